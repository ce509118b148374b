import { input, type LaunchList, output } from "../engine/launch.ts";
import { launch } from "../wasm/launch.ts";
import type { MatmulProblem } from "./matmul_kernels.ts";

/** Units that a launch should have, so that all threads end at about the same time. */
export const BUSY_UNITS = 12;

/** Steps of K at a time: a packed panel of b, 8 columns, then takes 16 KiB of a first-level cache. */
const DEPTH = 512;

/** The smallest multiple of `multiple` that cuts `total` in as many parts as `most` does. */
export function evenPart(total: number, most: number, multiple: number): number {
  const parts = Math.ceil(total / most);
  return Math.ceil(total / parts / multiple) * multiple;
}

/** A matrix product on the CPU engine: inputs a, b and, if it has one, bias. */
export function matmulWasm(problem: MatmulProblem): LaunchList {
  const { m, n, k, transposeA, hasBias, activation } = problem;
  const rows = evenPart(m, 192, 6);
  // A packed a must serve enough columns to be worth the copy; one read in place need not.
  let columns = evenPart(n, transposeA ? 128 : 64, 8);
  const units = () => Math.ceil(m / rows) * Math.ceil(n / columns);
  while (units() < BUSY_UNITS && columns > 16) columns = evenPart(n, columns / 2, 8);
  return {
    launches: [launch("matmul", {
      buffers: { a: input(0), b: input(1), bias: input(hasBias ? 2 : 1), y: output },
      params: {
        m,
        n,
        k,
        transpose_a: Number(transposeA),
        has_bias: Number(hasBias),
        relu: Number(activation === "relu"),
        rows,
        columns,
        depth: evenPart(k, DEPTH, 1),
      },
      units: units(),
    })],
  };
}
