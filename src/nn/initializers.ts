import { RandomStream, STREAMS } from "../util/random.ts";

/** Fills a parameter with its values before training; a pure function of the stream. */
export type Initializer = (size: number, random: RandomStream) => Float32Array<ArrayBuffer>;

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
