import { type AdapterKind, foldGrid, input, type LaunchList, output } from "../engine/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { checkTrips, rolledTrips, rolledTripsByFour } from "./check.ts";
import type { ConvForwardProblem, ConvProblem } from "./conv_kernels.ts";
import type { Activation } from "./matmul.ts";
import { ACTIVATION_CODES } from "./matmul_kernels.ts";
import { vectorWidth } from "./vector.ts";
import { windowOverrides } from "./window.ts";

/** One of the three products of a locally connected layer; see shaders/lib/local.wgsl. */
interface LocalProduct extends ConvProblem {
  readonly product: 0 | 1 | 2;
  readonly hasBias: boolean;
  readonly activation: Activation;
  readonly op: string;
}

function common({ geometry: g, window, o, product, hasBias, activation }: LocalProduct) {
  const [rows, depth, columns] = [[g.n, g.c, o], [g.n, o, g.c], [g.c, g.n, o]][product];
  return {
    // Without a bias the binding still wants a buffer: b serves.
    buffers: { a: input(0), b: input(1), bias: input(hasBias ? 2 : 1), y: output },
    overrides: {
      ...windowOverrides(window),
      PRODUCT: product,
      HAS_BIAS: hasBias,
      ACTIVATION: ACTIVATION_CODES[activation],
    },
    params: {
      rows,
      depth,
      columns,
      h: g.h,
      w: g.w,
      oh: g.oh,
      ow: g.ow,
      pad_top: g.padTop,
      pad_left: g.padLeft,
    },
  };
}

/** A GPU's tiles are 32 by 32: 8 by 8 threads. */
const GPU_SIDE = 8;

function launches(kind: AdapterKind, problem: LocalProduct): LaunchList {
  const { geometry: g, window: { size: [kh, kw] }, o, product } = problem;
  const shared = common(problem);
  const { rows, depth, columns } = shared.params;
  const places = product === 1 ? g.h * g.w : g.oh * g.ow;
  // In the last product each tap has rows of its own, and is not summed over.
  const batches = places * (product === 2 ? kh * kw : 1);
  const taps = product === 2 ? 1 : kh * kw;
  const perTap = kind === "naive" ? rolledTripsByFour(depth) : rolledTrips(Math.ceil(depth / 4));
  checkTrips(problem.op, rolledTrips(taps, perTap), kind, [g.n, g.h, g.w, g.c], [kh, kw, g.c, o]);
  if (kind === "naive") {
    const grid = foldGrid(Math.ceil(batches * rows * columns / 64));
    return { launches: [launch("local2d_naive", { ...shared, grid })] };
  }
  const tiles = (height: number, width: number) =>
    foldGrid(batches * Math.ceil(rows / height) * Math.ceil(columns / width));
  if (kind === "gpu") {
    const b = vectorWidth(product === 1 ? 1 : columns);
    return {
      launches: [launch("local2d_tiled", {
        ...shared,
        lines: { SIDE: GPU_SIDE, ROW_QUADS: 1, COL_QUADS: 1, B_WIDTH: b.width },
        aliases: { b_elem: b.elem },
        grid: tiles(4 * GPU_SIDE, 4 * GPU_SIDE),
      })],
    };
  }
  const a = vectorWidth(product === 2 ? rows : depth);
  const b = vectorWidth(product === 1 ? depth : columns);
  const quads = columns <= 32 ? 1 : 2;
  return {
    launches: [launch("local2d_register", {
      ...shared,
      lines: { QUADS: quads, A_WIDTH: a.width, B_WIDTH: b.width },
      aliases: { a_elem: a.elem, b_elem: b.elem },
      grid: tiles(32, 32 * quads),
    })],
  };
}

const PLAIN = { hasBias: false, activation: "none" } as const;

/** The layer: inputs x, w and, if it has one, bias. */
export function localLaunches(kind: AdapterKind, problem: ConvForwardProblem): LaunchList {
  return launches(kind, { ...problem, product: 0, op: "locally_connected2d" });
}

/** The gradient in x: inputs dy, w. */
export function localGradInputLaunches(kind: AdapterKind, problem: ConvProblem): LaunchList {
  return launches(kind, {
    ...problem,
    ...PLAIN,
    product: 1,
    op: "locally_connected2d_grad_input",
  });
}

/** The gradient in w: inputs x, dy. */
export function localGradWeightLaunches(kind: AdapterKind, problem: ConvProblem): LaunchList {
  return launches(kind, {
    ...problem,
    ...PLAIN,
    product: 2,
    op: "locally_connected2d_grad_weight",
  });
}
