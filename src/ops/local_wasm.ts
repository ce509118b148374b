import { input, type LaunchList, output } from "../engine/launch.ts";
import { SCRATCH_BYTES } from "../wasm/kernels.ts";
import { launch } from "../wasm/launch.ts";
import type { ConvForwardProblem, ConvProblem } from "./conv_kernels.ts";
import { evenPart } from "./matmul_wasm.ts";
import { windowWasm } from "./pool_wasm.ts";

/** What of the second-level cache the packed images of a filter gradient may take. */
const CACHE_BYTES = 256 << 10;
/** Most numbers of a position's filters that are packed at a time, 8 channels of each: 512 KiB. */
const DEPTH = 16384;
/** Scratch beside all that is counted: a tile's edge, zeros, gaps. */
const SMALL_BYTES = 1024;

function checkScratch(bytes: number, { geometry: g, window: { size }, o }: ConvProblem): void {
  if (bytes + SMALL_BYTES <= SCRATCH_BYTES) return;
  throw new RangeError(
    `Cannot apply locally_connected2d to ${g.n} images with filters of ${
      size.join("x")
    } from ${g.c} to ${o} ` +
      `channels: a thread of the CPU engine would need ${bytes} bytes and has ${SCRATCH_BYTES}`,
  );
}

function params({ geometry, window, o }: ConvProblem) {
  return { n: geometry.n, o, ...windowWasm(geometry, window) };
}

/** Bytes of a list of `n` images, whole tiles. */
function tableBytes(n: number): number {
  return (n + 6) * 4;
}

/** The layer on the CPU engine: inputs x, w and, if it has one, bias. */
export function localWasm(problem: ConvForwardProblem): LaunchList {
  const { geometry: g, window: { size: [kh, kw] }, o, hasBias, activation } = problem;
  const numbers = Math.min(kh * kw * g.c, DEPTH);
  checkScratch(numbers * 32 + (o + 8) * 4 + tableBytes(g.n), problem);
  return {
    launches: [launch("local2d", {
      buffers: { x: input(0), w: input(1), bias: input(hasBias ? 2 : 1), y: output },
      params: {
        ...params(problem),
        has_bias: Number(hasBias),
        relu: Number(activation === "relu"),
        depth: DEPTH,
      },
      units: g.oh * g.ow,
    })],
  };
}

/** The gradient in x: inputs dy, w. */
export function localGradInputWasm(problem: ConvProblem): LaunchList {
  const { geometry: g, window: { size: [kh, kw] }, o } = problem;
  checkScratch(Math.min(kh * kw * o, DEPTH) * 32 + tableBytes(g.n), problem);
  return {
    launches: [launch("local2d_grad_input", {
      buffers: { dy: input(0), w: input(1), dx: output },
      params: { ...params(problem), depth: DEPTH },
      units: g.h * g.w,
    })],
  };
}

/** The gradient in w: inputs x, dy. */
export function localGradWeightWasm(problem: ConvProblem): LaunchList {
  const { geometry: g, window: { size: [, kw] }, o } = problem;
  const row = Math.ceil(kw * g.c / 6) * 6;
  const imageBytes = Math.ceil(o / 8) * 32 + row * 4;
  const images = evenPart(g.n, Math.max(1, Math.floor(CACHE_BYTES / imageBytes)), 1);
  checkScratch(images * imageBytes + row * 4, problem);
  return {
    launches: [launch("local2d_grad_weight", {
      buffers: { x: input(0), dy: input(1), dw: output },
      params: { ...params(problem), images },
      units: g.oh * g.ow,
    })],
  };
}
