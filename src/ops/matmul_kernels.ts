import {
  type AdapterKind,
  foldGrid,
  input,
  type Launch,
  type LaunchList,
  output,
} from "../engine/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { checkTrips, rolledTrips, rolledTripsByFour } from "./check.ts";
import type { Activation } from "./matmul.ts";
import { vectorWidth } from "./vector.ts";

/** The sizes and options of one matrix product: y [M, N] = activation(a b + bias). */
export interface MatmulProblem {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly hasBias: boolean;
  readonly activation: Activation;
}

/** The value of a shader's ACTIVATION override. */
export const ACTIVATION_CODES: Record<Activation, number> = { none: 0, relu: 1 };

/** Workgroups that keep a large GPU busy; fewer 64x64 tiles than this are cut in four. */
const BUSY_GROUPS = 200;

/** The tile of a GPU kernel: threads a side of the workgroup; each makes 4x4 outputs. */
export function tileSide(rows: number, columns: number): 8 | 16 {
  return Math.ceil(rows / 64) * Math.ceil(columns / 64) < BUSY_GROUPS ? 8 : 16;
}

type Family = (problem: MatmulProblem) => Launch;

/** One row a kind of adapter; `bench/` has the ladder behind it. */
const FAMILIES: Record<AdapterKind, Family> = {
  naive,
  software: register,
  subgroup8: (problem) => (fitsSubgroup(problem) ? subgroup(problem) : register(problem)),
  gpu: tiled,
};

/** The launch of a matrix product: inputs a, b and, if it has one, bias. */
export function matmulLaunches(kind: AdapterKind, problem: MatmulProblem): LaunchList {
  const { m, n, k } = problem;
  checkTrips("matmul", loopTrips(kind, problem), kind, [m, k], [k, n]);
  return { launches: [FAMILIES[kind](problem)] };
}

/** The subgroup kernel's stores are whole vec4s of a row. */
function fitsSubgroup({ n }: MatmulProblem): boolean {
  return n % 4 === 0;
}

/** Rolled trips of an invocation on a software adapter. */
function loopTrips(kind: AdapterKind, problem: MatmulProblem): number {
  if (kind === "naive") return rolledTripsByFour(problem.k);
  return rolledTrips(
    Math.ceil(problem.k / (kind === "subgroup8" && fitsSubgroup(problem) ? 8 : 4)),
  );
}

function common(problem: MatmulProblem) {
  const { m, n, k, transposeA, hasBias, activation } = problem;
  return {
    // Without a bias the binding still wants a buffer: b serves.
    buffers: { a: input(0), b: input(1), bias: input(hasBias ? 2 : 1), y: output },
    overrides: {
      TRANSPOSE_A: transposeA,
      HAS_BIAS: hasBias,
      ACTIVATION: ACTIVATION_CODES[activation],
    },
    params: { m, n, k },
    a: vectorWidth(transposeA ? m : k),
    b: vectorWidth(n),
  };
}

function naive(problem: MatmulProblem): Launch {
  const grid = foldGrid(Math.ceil(problem.m * problem.n / 64));
  return launch("matmul_naive", { ...common(problem), grid });
}

function subgroup(problem: MatmulProblem): Launch {
  const octets = Math.min(4, Math.ceil(problem.m / 8));
  const { a, ...rest } = common(problem);
  return launch("matmul_subgroup", {
    ...rest,
    lines: { OCTETS: octets, QUADS: 1, A_WIDTH: a.width },
    aliases: { a_elem: a.elem },
    grid: foldGrid(Math.ceil(problem.m / (8 * octets)) * Math.ceil(problem.n / 32)),
  });
}

function register(problem: MatmulProblem): Launch {
  const quads = problem.n <= 32 ? 1 : 2;
  const { a, b, ...rest } = common(problem);
  return launch("matmul_register", {
    ...rest,
    lines: { QUADS: quads, A_WIDTH: a.width, B_WIDTH: b.width },
    aliases: { a_elem: a.elem, b_elem: b.elem },
    grid: foldGrid(Math.ceil(problem.m / 32) * Math.ceil(problem.n / (32 * quads))),
  });
}

function tiled(problem: MatmulProblem): Launch {
  const { m, n } = problem;
  const side = tileSide(m, n);
  const { b, ...rest } = common(problem);
  return launch("matmul_tiled", {
    ...rest,
    lines: { SIDE: side, ROW_QUADS: 1, COL_QUADS: 1, B_WIDTH: b.width },
    aliases: { b_elem: b.elem },
    grid: foldGrid(Math.ceil(m / (4 * side)) * Math.ceil(n / (4 * side))),
  });
}
