import { RandomStream, STREAMS } from "../util/random.ts";

/** Fills a parameter with its values before training; a pure function of the stream. */
export type Initializer = (size: number, random: RandomStream) => Float32Array<ArrayBuffer>;

/** Images as the network sees them, without augmentation: `at(i)` is [height, width, 3]. */
export interface ImageSample {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** The image number i; valid until the next call. */
  at(i: number): Float32Array;
}

/** The values of a parameter before training, from a sample of the training images. */
export type ImageInitializer = (images: ImageSample) => Float32Array<ArrayBuffer>;

/** The same value everywhere. */
export function constantInitializer(value: number): Initializer {
  return (size) => new Float32Array(size).fill(value);
}

/** Normal with mean 0; samples beyond two standard deviations are drawn again (TensorFlow's truncated_normal). */
export function truncatedNormal(standardDeviation: number): Initializer {
  return (size, random) => {
    const values = new Float32Array(size);
    for (let i = 0; i < size; i++) values[i] = standardDeviation * random.truncatedNormal();
    return values;
  };
}

/** Normal with mean 0. */
export function normal(standardDeviation: number): Initializer {
  return (size, random) => {
    const values = new Float32Array(size);
    for (let i = 0; i < size; i++) values[i] = standardDeviation * random.normal();
    return values;
  };
}

/**
 * Uniform in [-r, r), r = factor * sqrt(3 / inputs), so that outputs vary as inputs do (TensorFlow's
 * uniform_unit_scaling).
 */
export function uniformUnitScaling(factor: number, inputs: number): Initializer {
  const reach = factor * Math.sqrt(3 / inputs);
  return (size, random) => {
    const values = new Float32Array(size);
    for (let i = 0; i < size; i++) values[i] = reach * (2 * random.uniform() - 1);
    return values;
  };
}

/** Uniform in [-r, r), r = 1 / sqrt(inputs): what PyTorch gives convolutions and linear layers. */
export function uniformFanIn(inputs: number): Initializer {
  return uniformUnitScaling(1 / Math.sqrt(3), inputs);
}

/**
 * Filters [size, size, channels, filters] of which the first, as many as there are channels, pass on a channel each
 * (PyTorch's `dirac_`); the others are as `rest` makes them.
 */
export function identityFilters(
  { size, channels, filters }: { size: number; channels: number; filters: number },
  rest: Initializer,
): Initializer {
  return (count, random) => {
    const values = rest(count, random);
    const middle = (size >> 1) * (size + 1);
    for (let o = 0; o < Math.min(channels, filters); o++) {
      for (let at = o; at < count; at += filters) values[at] = 0;
      values[(middle * channels + o) * filters + o] = 1;
    }
    return values;
  };
}

/** Values of another initializer, brought to a standard deviation of 1 (over count - 1). */
export function unitDeviation(of: Initializer): Initializer {
  return (size, random) => {
    const values = of(size, random);
    const mean = values.reduce((sum, v) => sum + v, 0) / size;
    const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
    return values.map((v) => v / Math.sqrt(squares / (size - 1)));
  };
}

/**
 * Uniform in [-r, r), r = sqrt(6 / (inputs + outputs)), counted over a filter's places (Glorot and Bengio 2010;
 * the default of TensorFlow's layers).
 */
export function glorotUniform(inputs: number, outputs: number): Initializer {
  // 3 / the mean of both.
  return uniformUnitScaling(1, (inputs + outputs) / 2);
}

/** The stream of the parameter number `index` of a model. */
export function initializerStream(seed: number, index: number): RandomStream {
  return new RandomStream(seed, STREAMS.initializer).seek(index, 0);
}
