import { type AdapterKind, foldGrid, input, type LaunchList, output } from "../engine/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import type { Activation } from "./matmul.ts";
import { ACTIVATION_CODES } from "./matmul_kernels.ts";
import { type WindowAttributes, type WindowGeometry, windowOverrides, windowParams } from "./window.ts";

/** The sizes of one convolution. */
export interface ConvProblem {
  readonly geometry: WindowGeometry;
  readonly window: WindowAttributes;
  /** Output channels. */
  readonly o: number;
}

/** A forward convolution. */
export interface ConvForwardProblem extends ConvProblem {
  readonly hasBias: boolean;
  readonly activation: Activation;
}

function problemParams({ geometry, o }: ConvProblem) {
  return { n: geometry.n, o, ...windowParams(geometry) };
}

export function convLaunches(_kind: AdapterKind, problem: ConvForwardProblem): LaunchList {
  const { geometry: { n, oh, ow }, o } = problem;
  return {
    launches: [launch("conv2d_naive", {
      buffers: { x: input(0), w: input(1), bias: input(problem.hasBias ? 2 : 1), y: output },
      overrides: {
        ...windowOverrides(problem.window),
        HAS_BIAS: problem.hasBias,
        ACTIVATION: ACTIVATION_CODES[problem.activation],
      },
      params: problemParams(problem),
      grid: foldGrid(Math.ceil(n * oh * ow * o / 64)),
    })],
  };
}

export function convGradInputLaunches(_kind: AdapterKind, problem: ConvProblem): LaunchList {
  const { n, h, w, c } = problem.geometry;
  return {
    launches: [launch("conv2d_grad_input_naive", {
      buffers: { dy: input(0), w: input(1), dx: output },
      overrides: windowOverrides(problem.window),
      params: problemParams(problem),
      grid: foldGrid(Math.ceil(n * h * w * c / 64)),
    })],
  };
}

export function convGradWeightLaunches(_kind: AdapterKind, problem: ConvProblem): LaunchList {
  const { geometry: { n, oh, ow, c }, window: { size: [kh, kw] }, o } = problem;
  return {
    launches: [launch("conv2d_grad_weight_naive", {
      buffers: { x: input(0), dy: input(1), partial: output },
      overrides: windowOverrides(problem.window),
      params: { ...problemParams(problem), split_rows: n * oh * ow },
      grid: foldGrid(Math.ceil(kh * kw * c * o / 64)),
    })],
  };
}
