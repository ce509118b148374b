import { input, type LaunchList, output } from "../engine/launch.ts";
import { launch } from "../wasm/launch.ts";
import { ACTIVATION_CODES, type MatmulProblem } from "./matmul_kernels.ts";

/** The launch of a matrix product on the CPU: inputs a, b and, if it has one, bias. */
export function matmulWasm(
  { m, n, k, transposeA, hasBias, activation }: MatmulProblem,
): LaunchList {
  return {
    launches: [launch("matmul_naive", {
      buffers: { a: input(0), b: input(1), bias: input(hasBias ? 2 : 1), y: output },
      params: {
        m,
        n,
        k,
        transpose_a: Number(transposeA),
        has_bias: Number(hasBias),
        activation: ACTIVATION_CODES[activation],
      },
      units: m,
    })],
  };
}
