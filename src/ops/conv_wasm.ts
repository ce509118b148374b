import { input, type LaunchList, output } from "../engine/launch.ts";
import { launch } from "../wasm/launch.ts";
import type { ConvForwardProblem, ConvProblem } from "./conv_kernels.ts";
import { ACTIVATION_CODES } from "./matmul_kernels.ts";
import { windowWasm } from "./pool_wasm.ts";

/** A forward convolution on the CPU: inputs x, w and, if it has one, bias. */
export function convWasm(
  { geometry, window, o, hasBias, activation }: ConvForwardProblem,
): LaunchList {
  return {
    launches: [launch("conv2d_naive", {
      buffers: { x: input(0), w: input(1), bias: input(hasBias ? 2 : 1), y: output },
      params: {
        ...windowWasm(geometry, window),
        o,
        has_bias: Number(hasBias),
        activation: ACTIVATION_CODES[activation],
      },
      units: geometry.n * geometry.oh,
    })],
  };
}

/** The gradient in x: inputs dy, w. */
export function convGradInputWasm({ geometry, window, o }: ConvProblem): LaunchList {
  return {
    launches: [launch("conv2d_grad_input_naive", {
      buffers: { dy: input(0), w: input(1), dx: output },
      params: { ...windowWasm(geometry, window), o },
      units: geometry.n * geometry.h,
    })],
  };
}

/** The gradient in the filters: inputs x, dy. */
export function convGradWeightWasm({ geometry, window, o }: ConvProblem): LaunchList {
  return {
    launches: [launch("conv2d_grad_weight_naive", {
      buffers: { x: input(0), dy: input(1), dw: output },
      params: { ...windowWasm(geometry, window), n: geometry.n, o },
      units: window.size[0] * window.size[1] * geometry.c,
    })],
  };
}
