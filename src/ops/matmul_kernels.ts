import { type AdapterKind, foldGrid, input, type LaunchList, output } from "../engine/launch.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { launch } from "../webgpu/kernel.ts";
import type { Activation } from "./matmul.ts";

/** The sizes and options of one matrix product. */
export interface MatmulProblem {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly hasBias: boolean;
  readonly activation: Activation;
}

export const ACTIVATION_CODES: Record<Activation, number> = { none: 0, relu: 1 };

export function matmulLaunches(_kind: AdapterKind, problem: MatmulProblem, _a: Tensor): LaunchList {
  const { m, n, k } = problem;
  return {
    launches: [launch("matmul_naive", {
      buffers: { a: input(0), b: input(1), bias: input(problem.hasBias ? 2 : 1), y: output },
      overrides: {
        TRANSPOSE_A: problem.transposeA,
        HAS_BIAS: problem.hasBias,
        ACTIVATION: ACTIVATION_CODES[problem.activation],
      },
      params: { m, n, k },
      grid: foldGrid(Math.ceil(m * n / 64)),
    })],
  };
}
