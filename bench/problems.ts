/** The products and convolutions that are timed on their own. */
import { conv2d } from "../src/ops/conv.ts";
import { multiply } from "../src/ops/elementwise.ts";
import { grad } from "../src/ops/grad.ts";
import { locallyConnected2d } from "../src/ops/local.ts";
import { matmul } from "../src/ops/matmul.ts";
import { sum } from "../src/ops/reduce.ts";
import { type Shape, sizeOf } from "../src/tensor/shape.ts";
import { constant, type Tensor } from "../src/tensor/tensor.ts";
import { RandomStream } from "../src/util/random.ts";

/** One op, as large as its batch. */
export interface Problem {
  readonly name: string;
  /** Images; null where there is no batch. */
  readonly batch: number | null;
  /** The tensor that only this op computes. */
  build(batch: number): Tensor;
}

/** A convolution of the reference CNN: 5x5 filters, stride 1, same padding. */
interface Convolution {
  readonly name: string;
  /** Height and width of the image. */
  readonly side: number;
  readonly channels: number;
  readonly filters: number;
}

/** Which of a convolution's three products. */
export type ConvPart = "forward" | "grad input" | "grad weight";

/** The reference CNN's first convolution. Nothing asks for the gradient in its images. */
export const CONV1: Convolution = { name: "conv1", side: 24, channels: 3, filters: 64 };
/** The reference CNN's second convolution, two thirds of its arithmetic. */
export const CONV2: Convolution = { name: "conv2", side: 12, channels: 64, filters: 64 };

/** The square product of two matrices of `size` rows. */
export function matmulProblem(size: number): Problem {
  return {
    name: `matmul ${size}^3`,
    batch: null,
    build: () => matmul(random([size, size]), random([size, size])),
  };
}

/** One of the three products of a convolution. */
export function convProblem(of: Convolution, part: ConvPart, batch: number): Problem {
  const { name, side, channels, filters } = of;
  return {
    name: `${name} ${part}`,
    batch,
    build(batch) {
      const x = random([batch, side, side, channels]);
      const w = random([5, 5, channels, filters]);
      const y = conv2d(x, w);
      if (part === "forward") return y;
      // The gradient of sum(y dy) has dy as its upstream gradient; y itself is not computed.
      const loss = sum(multiply(y, random(y.shape)));
      return grad(loss, [part === "grad input" ? x : w])[0];
    },
  };
}

/** One of the three products of a locally connected layer of cuda-convnet: 3x3 filters on 6x6 pixels of 64 channels. */
export function localProblem(filters: number, part: ConvPart, batch: number): Problem {
  return {
    name: `local 64 to ${filters} ${part}`,
    batch,
    build(batch) {
      const x = random([batch, 6, 6, 64]);
      const w = random([36, 9 * 64, filters]);
      const y = locallyConnected2d(x, w, { size: [3, 3] });
      if (part === "forward") return y;
      const loss = sum(multiply(y, random(y.shape)));
      return grad(loss, [part === "grad input" ? x : w])[0];
    },
  };
}

/** Whether an op's kernels make a convolution of fewer multiplications than its plain sum has. */
export function usesWinograd(kernels: readonly string[]): boolean {
  return kernels.some((kernel) => kernel.startsWith("winograd"));
}

/** The line under a table of which some rows use Winograd's algorithm; empty if none do. */
export function winogradNote(names: readonly string[]): string {
  if (names.length === 0) return "";
  return `\n  by Winograd's algorithm: ${[...new Set(names)].join(", ")}; ` +
    "their GFLOP/s counts the arithmetic of the direct algorithm, of which it does a part";
}

/** Uniform numbers in [-1, 1). */
function random(shape: Shape): Tensor {
  const stream = new RandomStream(0, 0);
  return constant(
    Float32Array.from({ length: sizeOf(shape) }, () => 2 * stream.uniform() - 1),
    shape,
  );
}
