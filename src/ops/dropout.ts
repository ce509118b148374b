import { foldGrid, input, output } from "../engine/launch.ts";
import { defineOp, type Op } from "../tensor/op.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { RandomStream, STREAMS } from "../util/random.ts";
import { blocks, launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, checkShapes } from "./check.ts";

/** Which random numbers, beside the step that the counter says. */
export interface RandomPlace {
  /** Whole number, 0 to 2^53 - 1; default 0. */
  readonly seed?: number;
  /** Tells apart the uses in one step, a u32; default 0. */
  readonly layer?: number;
}

interface BitsAttributes extends Required<RandomPlace> {
  readonly stream: number;
}

/** Numbers that an invocation makes at a time, and so 256 of them. */
const GROUP_NUMBERS = 1024;

function checkCounter(op: string, counter: Tensor): void {
  checkShapes(op, "the counter must be one number", sizeOf(counter.shape) === 1, counter.shape);
}

/** The generator of a place; also checks its numbers. */
function streamOf({ seed, stream, layer }: BitsAttributes): RandomStream {
  if (layer >>> 0 !== layer) {
    throw new RangeError(
      `Cannot draw random numbers as the layer must be a u32: current value is ${layer}`,
    );
  }
  return new RandomStream(seed, stream);
}

function placeParams({ seed, stream, layer }: BitsAttributes) {
  return { seed_low: seed % 2 ** 32, seed_high: Math.floor(seed / 2 ** 32), stream, layer };
}

const bitsOp = defineOp<BitsAttributes & { readonly shape: Shape }>({
  name: "random_bits",
  shape([counter, ...rest], { shape, ...place }) {
    checkInputs("random_bits", [counter, ...rest], ["u32"]);
    checkCounter("random_bits", counter);
    streamOf(place);
    return { shape, dtype: "u32" };
  },
  launches: {
    webgpu({ output: { shape }, attributes }) {
      const length = sizeOf(shape);
      return {
        launches: [launch("random_bits", {
          buffers: { counter: input(0), y: output },
          params: { length, ...placeParams(attributes) },
          grid: foldGrid(Math.ceil(length / GROUP_NUMBERS)),
        })],
      };
    },
    wasm({ output: { shape }, attributes }) {
      const length = sizeOf(shape);
      return {
        launches: [launchWasm("random_bits", {
          buffers: { counter: input(0), y: output },
          params: { length, ...placeParams(attributes) },
          units: blocks(length),
        })],
      };
    },
  },
  reference({ output: { shape }, attributes }, [[step]]) {
    const random = streamOf(attributes).seek(step, attributes.layer);
    return new Float64Array(sizeOf(shape)).map(() => random.uint32());
  },
  cost: ({ output: { shape } }) => ({ flops: 0, bytes: bytesOfShapes(shape) }),
  samples: [[1], [3, 7], [5, 4099]].map((shape, i) => ({
    inputs: [{ shape: [1], fill: { below: 1000 } }],
    attributes: { shape, seed: 2 ** 33 + i, stream: STREAMS.test, layer: i },
    tolerance: 0,
  })),
});

/**
 * Random words [...shape], u32: those that `RandomStream(seed, STREAMS.test).seek(counter, layer)` gives on the host,
 * bit for bit. counter: one u32, as a tensor, so that a plan can draw anew in each run.
 *
 * @throws {RangeError} if the counter is not one number, or seed or layer have no such value
 */
export function randomBits(
  shape: Shape,
  counter: Tensor,
  { seed = 0, layer = 0 }: RandomPlace = {},
): Tensor {
  return bitsOp([counter], { shape, seed, layer, stream: STREAMS.test });
}

interface DropoutAttributes extends BitsAttributes {
  readonly rate: number;
}

/** What the upper 24 bits of a word must reach for a number to stay. */
function thresholdOf(rate: number): number {
  return Math.round(rate * 2 ** 24);
}

/** What both engines' kernels are given for so many numbers. */
function paramsOf(length: number, attributes: DropoutAttributes) {
  const { rate } = attributes;
  const [threshold, scale] = [thresholdOf(rate), 1 / (1 - rate)];
  return { length, ...placeParams(attributes), threshold, scale };
}

const dropoutOp: Op<DropoutAttributes> = defineOp<DropoutAttributes>({
  name: "dropout",
  shape([x, counter, ...rest], { rate, ...place }) {
    checkInputs("dropout", [x, counter, ...rest], ["f32", "u32"]);
    checkCounter("dropout", counter);
    streamOf(place);
    if (!(rate >= 0 && rate < 1)) {
      throw new RangeError(
        `Cannot apply dropout as the rate must be at least 0 and below 1: current value is ${rate}`,
      );
    }
    return { shape: x.shape };
  },
  launches: {
    webgpu({ output: { shape }, attributes }) {
      const length = sizeOf(shape);
      return {
        launches: [launch("dropout", {
          buffers: { x: input(0), counter: input(1), y: output },
          params: paramsOf(length, attributes),
          grid: foldGrid(Math.ceil(length / GROUP_NUMBERS)),
        })],
      };
    },
    wasm({ output: { shape }, attributes }) {
      const length = sizeOf(shape);
      return {
        launches: [launchWasm("dropout", {
          buffers: { x: input(0), counter: input(1), y: output },
          params: paramsOf(length, attributes),
          units: blocks(length),
        })],
      };
    },
  },
  vjp: ({ inputs: [, counter], attributes, dy }) => [dropoutOp([dy, counter], attributes), null],
  reference({ attributes }, [x, [step]]) {
    const random = streamOf(attributes).seek(step, attributes.layer);
    const threshold = thresholdOf(attributes.rate), scale = 1 / (1 - attributes.rate);
    return x.map((v) => random.uint32() >>> 8 >= threshold ? scale * v : 0);
  },
  cost: ({ output: { shape } }) => ({ flops: sizeOf(shape), bytes: bytesOfShapes(shape, shape) }),
  samples: [[1], [3, 7], [5, 4099], [64, 24]].map((shape, i) => ({
    inputs: [{ shape }, { shape: [1], fill: { below: 1000 } }],
    attributes: { rate: [0.1, 0.5, 0.9, 0.25][i], seed: 11, stream: STREAMS.dropout, layer: i },
  })),
});

/**
 * Inverted dropout: x / (1 - rate), with each number dropped to 0 with probability `rate` (Srivastava et al.,
 * "Dropout: a simple way to prevent neural networks from overfitting", 2014). Rate 0 is x itself.
 *
 * Which ones are dropped is a pure function of seed, layer, counter and the number's place: numbers of
 * `RandomStream(seed, STREAMS.dropout).seek(counter, layer)` decide. The gradient draws them again and keeps no mask.
 *
 * @param counter one u32, as a tensor that changes from step to step: the number of the step.
 * @throws {RangeError} if the rate is not in [0, 1), the counter not one number, or seed or layer have no such value
 */
export function dropout(
  x: Tensor,
  rate: number,
  counter: Tensor,
  { seed = 0, layer = 0 }: RandomPlace = {},
): Tensor {
  const y = dropoutOp([x, counter], { rate, seed, layer, stream: STREAMS.dropout });
  return rate === 0 ? x : y;
}
