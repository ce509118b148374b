import {
  type AdapterKind,
  foldGrid,
  input,
  type Launch,
  type LaunchList,
  type Operand,
  output,
  scratch,
} from "../engine/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { checkTrips, rolledTrips, rolledTripsByFour } from "./check.ts";
import type { Activation } from "./matmul.ts";
import { ACTIVATION_CODES, tileSide } from "./matmul_kernels.ts";
import { vectorWidth } from "./vector.ts";
import {
  type WindowAttributes,
  type WindowGeometry,
  windowOverrides,
  windowParams,
} from "./window.ts";

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

interface ForwardOperands {
  readonly x: Operand;
  readonly w: Operand;
  readonly bias: Operand;
  readonly y: Operand;
}

type ForwardFamily = (problem: ConvForwardProblem, buffers: ForwardOperands) => Launch;

/** One row a kind of adapter; `bench/` has the ladder behind it. */
const FORWARD: Record<AdapterKind, ForwardFamily> = {
  naive: forwardNaive,
  software: forwardRegister,
  subgroup8: (problem, buffers) =>
    fitsSubgroup(problem) ? forwardSubgroup(problem, buffers) : forwardRegister(problem, buffers),
  gpu: forwardTiled,
};

/** The subgroup kernels' stores are whole vec4s of output channels. */
function fitsSubgroup({ o }: ConvProblem): boolean {
  return o % 4 === 0;
}

/** Rolled trips of an invocation of the forward kernels on a software adapter. */
function forwardTrips(kind: AdapterKind, problem: ConvProblem): number {
  const { geometry: { c }, window: { size: [kh, kw] } } = problem;
  if (kind === "naive") return rolledTrips(kh, rolledTrips(kw, rolledTrips(c)));
  const step = kind === "subgroup8" && fitsSubgroup(problem) ? 8 : 4;
  return rolledTrips(kh, rolledTrips(Math.ceil(kw * c / step)));
}

/** Checks the trips of one of the three ops, named by the shapes of its image and filters. */
function checkConvTrips(op: string, trips: number, kind: AdapterKind, problem: ConvProblem): void {
  const { geometry: { n, h, w, c }, window: { size }, o } = problem;
  checkTrips(op, trips, kind, [n, h, w, c], [...size, c, o]);
}

function problemParams({ geometry, o }: ConvProblem) {
  return { n: geometry.n, o, ...windowParams(geometry) };
}

/** Pixels of the output over the whole batch: the rows of the implicit matrix product. */
function outputPixels({ geometry: { n, oh, ow } }: ConvProblem): number {
  return n * oh * ow;
}

function forwardCommon(problem: ConvForwardProblem) {
  return {
    overrides: {
      ...windowOverrides(problem.window),
      HAS_BIAS: problem.hasBias,
      ACTIVATION: ACTIVATION_CODES[problem.activation],
    },
    params: problemParams(problem),
  };
}

function forwardNaive(problem: ConvForwardProblem, buffers: ForwardOperands): Launch {
  const grid = foldGrid(Math.ceil(outputPixels(problem) * problem.o / 64));
  return launch("conv2d_naive", { buffers, ...forwardCommon(problem), grid });
}

function forwardSubgroup(problem: ConvForwardProblem, buffers: ForwardOperands): Launch {
  const x = vectorWidth(problem.geometry.c);
  const octets = 3;
  return launch("conv2d_subgroup", {
    buffers,
    ...forwardCommon(problem),
    lines: { OCTETS: octets, QUADS: 1, X_WIDTH: x.width },
    aliases: { x_elem: x.elem },
    grid: foldGrid(Math.ceil(outputPixels(problem) / (8 * octets)) * Math.ceil(problem.o / 32)),
  });
}

function forwardRegister(problem: ConvForwardProblem, buffers: ForwardOperands): Launch {
  const [x, w] = [vectorWidth(problem.geometry.c), vectorWidth(problem.o)];
  return launch("conv2d_register", {
    buffers,
    ...forwardCommon(problem),
    lines: { QUADS: 2, X_WIDTH: x.width, W_WIDTH: w.width },
    aliases: { x_elem: x.elem, w_elem: w.elem },
    grid: foldGrid(Math.ceil(outputPixels(problem) / 32) * Math.ceil(problem.o / 64)),
  });
}

function forwardTiled(problem: ConvForwardProblem, buffers: ForwardOperands): Launch {
  const rows = outputPixels(problem);
  const w = vectorWidth(problem.o);
  const side = tileSide(rows, problem.o);
  return launch("conv2d_tiled", {
    buffers,
    ...forwardCommon(problem),
    lines: { SIDE: side, ROW_QUADS: 1, COL_QUADS: 1, W_WIDTH: w.width },
    aliases: { w_elem: w.elem },
    grid: foldGrid(Math.ceil(rows / (4 * side)) * Math.ceil(problem.o / (4 * side))),
  });
}

/** A forward convolution: inputs x, w and, if it has one, bias. */
export function convLaunches(kind: AdapterKind, problem: ConvForwardProblem): LaunchList {
  checkConvTrips("conv2d", forwardTrips(kind, problem), kind, problem);
  // Without a bias the binding still wants a buffer: the filters serve.
  const bias = input(problem.hasBias ? 2 : 1);
  return { launches: [FORWARD[kind](problem, { x: input(0), w: input(1), bias, y: output })] };
}

/**
 * The gradient in x: with stride 1 a forward convolution of dy with the filters flipped and transposed,
 * by the same kernels; with any other stride a gather. Inputs dy, w.
 */
export function convGradInputLaunches(kind: AdapterKind, problem: ConvProblem): LaunchList {
  const { geometry: g, window: { size: [kh, kw], strides: [sh, sw] }, o } = problem;
  const forward = sh === 1 && sw === 1 && g.padTop < kh && g.padLeft < kw;
  if (kind === "naive" || !forward) {
    const trips = rolledTrips(kh, rolledTrips(kw, rolledTripsByFour(o)));
    checkConvTrips("conv2d_grad_input", trips, kind, problem);
    const grad = launch("conv2d_grad_input_naive", {
      buffers: { dy: input(0), w: input(1), dx: output },
      overrides: windowOverrides(problem.window),
      params: problemParams(problem),
      grid: foldGrid(Math.ceil(g.n * g.h * g.w * g.c / 64)),
    });
    return { launches: [grad] };
  }
  const flipped = scratch(0);
  const flip = launch("conv2d_flip_filters", {
    buffers: { w: input(1), flipped },
    params: { taps: kh * kw, c: g.c, o },
    grid: foldGrid(Math.ceil(kh * kw * g.c * o / 64)),
  });
  const geometry: WindowGeometry = {
    n: g.n,
    h: g.oh,
    w: g.ow,
    c: o,
    oh: g.h,
    ow: g.w,
    padTop: kh - 1 - g.padTop,
    padLeft: kw - 1 - g.padLeft,
  };
  const swapped: ConvForwardProblem = {
    geometry,
    window: problem.window,
    o: g.c,
    hasBias: false,
    activation: "none",
  };
  checkConvTrips("conv2d_grad_input", forwardTrips(kind, swapped), kind, problem);
  const buffers = { x: input(0), w: flipped, bias: flipped, y: output };
  const back = FORWARD[kind](swapped, buffers);
  return { launches: [flip, back], scratchBytes: [kh * kw * g.c * o * 4] };
}

interface GradWeightProblem extends ConvProblem {
  /** Output pixels that one part of the sum covers. */
  readonly splitRows: number;
  readonly parts: number;
}

type GradWeightFamily = (problem: GradWeightProblem, partial: Operand) => Launch;

const GRAD_WEIGHT: Record<AdapterKind, GradWeightFamily> = {
  naive: gradWeightNaive,
  software: gradWeightRegister,
  subgroup8: (problem, partial) =>
    fitsSubgroup(problem)
      ? gradWeightSubgroup(problem, partial)
      : gradWeightRegister(problem, partial),
  gpu: gradWeightTiled,
};

/** Output pixels a part on software adapters: enough parts for all cores, loops far below lavapipe's cap. */
const SOFTWARE_SPLIT_ROWS = 1152;
/** Workgroups that the parts together should give a GPU. */
const GPU_GROUPS = 512;

/** Rows of the filter gradient: one for each number of a patch. */
function patchSize({ geometry: { c }, window: { size: [kh, kw] } }: ConvProblem): number {
  return kh * kw * c;
}

function splitRows(kind: AdapterKind, problem: ConvProblem): number {
  const rows = outputPixels(problem);
  if (kind !== "gpu") return Math.min(rows, SOFTWARE_SPLIT_ROWS);
  const tiles = Math.ceil(patchSize(problem) / 64) * Math.ceil(problem.o / 64);
  return Math.min(rows, Math.max(256, Math.ceil(rows * tiles / GPU_GROUPS)));
}

/** The gradient in the filters, in parts that a second launch sums in a fixed order. Inputs x, dy. */
export function convGradWeightLaunches(kind: AdapterKind, problem: ConvProblem): LaunchList {
  const rows = splitRows(kind, problem);
  const parts = Math.ceil(outputPixels(problem) / rows);
  // The loops over a part are short; the one over the parts may not be.
  checkConvTrips("conv2d_grad_weight", rolledTrips(parts), kind, problem);
  const full = { ...problem, splitRows: rows, parts };
  if (parts === 1) return { launches: [GRAD_WEIGHT[kind](full, output)] };
  const length = patchSize(problem) * problem.o;
  const sum = launch("reduce", {
    buffers: { x: scratch(0), y: output },
    overrides: { FUNCTION: 0 },
    params: { outer: 1, length: parts, inner: length, splits: 1, scale: 1 },
    grid: foldGrid(Math.ceil(length / 64)),
  });
  return {
    launches: [GRAD_WEIGHT[kind](full, scratch(0)), sum],
    scratchBytes: [parts * length * 4],
  };
}

function gradWeightCommon(problem: GradWeightProblem, partial: Operand) {
  return {
    buffers: { x: input(0), dy: input(1), partial },
    overrides: windowOverrides(problem.window),
    params: { ...problemParams(problem), split_rows: problem.splitRows },
  };
}

function gradWeightNaive(problem: GradWeightProblem, partial: Operand): Launch {
  const grid = foldGrid(Math.ceil(problem.parts * patchSize(problem) * problem.o / 64));
  return launch("conv2d_grad_weight_naive", { ...gradWeightCommon(problem, partial), grid });
}

function gradWeightSubgroup(problem: GradWeightProblem, partial: Operand): Launch {
  const x = vectorWidth(problem.geometry.c);
  const [octets, quads] = x.width === 4 ? [4, 1] : [2, 2];
  const tiles = Math.ceil(patchSize(problem) / (8 * octets)) * Math.ceil(problem.o / (32 * quads));
  return launch("conv2d_grad_weight_subgroup", {
    ...gradWeightCommon(problem, partial),
    lines: { OCTETS: octets, QUADS: quads, X_WIDTH: x.width },
    aliases: { x_elem: x.elem },
    grid: foldGrid(problem.parts * tiles),
  });
}

function gradWeightRegister(problem: GradWeightProblem, partial: Operand): Launch {
  const [x, dy] = [vectorWidth(problem.geometry.c), vectorWidth(problem.o)];
  const tiles = Math.ceil(patchSize(problem) / 32) * Math.ceil(problem.o / 64);
  return launch("conv2d_grad_weight_register", {
    ...gradWeightCommon(problem, partial),
    lines: { QUADS: 2, X_WIDTH: x.width, DY_WIDTH: dy.width },
    aliases: { x_elem: x.elem, dy_elem: dy.elem },
    grid: foldGrid(problem.parts * tiles),
  });
}

function gradWeightTiled(problem: GradWeightProblem, partial: Operand): Launch {
  const dy = vectorWidth(problem.o);
  const tiles = Math.ceil(patchSize(problem) / 64) * Math.ceil(problem.o / 64);
  return launch("conv2d_grad_weight_tiled", {
    ...gradWeightCommon(problem, partial),
    lines: { SIDE: 16, ROW_QUADS: 1, COL_QUADS: 1, DY_WIDTH: dy.width },
    aliases: { dy_elem: dy.elem },
    grid: foldGrid(problem.parts * tiles),
  });
}
