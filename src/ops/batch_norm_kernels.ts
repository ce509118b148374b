import {
  type AdapterKind,
  foldGrid,
  type Grid,
  input,
  type Launch,
  type LaunchList,
  output,
  scratch,
} from "../engine/launch.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import { launch } from "../webgpu/kernel.ts";
import { vectorWidth } from "./vector.ts";

/** Invocations of a GPU's workgroup. */
const GPU_WORKGROUP = 256;
/** Workgroups that keep a large GPU busy: four for each of some 130 multiprocessors. */
const GPU_GROUPS = 512;
/** Parts of all columns on a GPU whose workgroups cannot merge their lanes. */
const GPU_PARTS = 32_768;
/** Parts of all columns on a software adapter: enough for all cores, few to be merged. */
const SOFTWARE_PARTS = 2048;
/** Rows that a lane should at least have: those of one trip. */
const LANE_ROWS = 8;
/** The most rows of a part, so that no loop comes near the trips after which software adapters cut it off. */
const MOST_ROWS = 100_000;
/** Columns of a GPU's workgroup that merges parts; their lanes fill the rest of it. */
const MERGED_COLUMNS = 4;
/** Rows that an invocation normalizes: RUN of shaders/batch_norm.wgsl. */
const RUN = 8;

/** Numbers that stand with a normalization. */
export interface NormalizeSettings {
  /** Added to the variance. */
  readonly epsilon: number;
  /** Of the leaky ReLU behind it; 1 is none. */
  readonly slope: number;
}

/** A tensor as rows of columns, C or C / 4 of them. */
interface Table {
  readonly rows: number;
  readonly columns: number;
  readonly elem: "f32" | "vec4f";
}

function tableOf(shape: Shape): Table {
  const c = shape[shape.length - 1];
  const { width, elem } = vectorWidth(c);
  return { rows: sizeOf(shape) / c, columns: c / width, elem };
}

/** How a table is cut into parts of `span` rows. */
interface Parts {
  readonly tree: boolean;
  readonly workgroup: number;
  readonly span: number;
  readonly parts: number;
}

/**
 * A GPU merges the lanes of a workgroup in its memory, so that a hundred thousand lanes, which hide the latency of
 * their loads, leave a few hundred parts. That needs workgroups of whole rows of columns. On a software adapter
 * workgroup memory is memory like any other and barriers cost, so each lane is a part.
 */
function cut(kind: AdapterKind, { rows, columns }: Table): Parts {
  const lanes = Math.floor(GPU_WORKGROUP / columns);
  const tree = kind === "gpu" && lanes > 1;
  const least = LANE_ROWS * (tree ? lanes : 1);
  const wanted = tree ? GPU_GROUPS : (kind === "gpu" ? GPU_PARTS : SOFTWARE_PARTS) / columns;
  const span = Math.min(Math.max(least, Math.ceil(rows / Math.ceil(wanted))), MOST_ROWS);
  const workgroup = tree ? lanes * columns : kind === "gpu" ? GPU_WORKGROUP : 64;
  return { tree, workgroup, span, parts: Math.ceil(rows / span) };
}

/** The launch that makes one of the parts. */
function merge(kind: AdapterKind, table: Table, cuts: Parts, moments: boolean): Launch {
  const gpu = kind === "gpu";
  const columns = gpu ? MERGED_COLUMNS : 8;
  return launch("channel_merge", {
    aliases: { elem: table.elem },
    buffers: { partial: scratch(0), x: input(0), y: output },
    overrides: { MOMENTS: moments },
    lines: { ROWS: gpu ? GPU_WORKGROUP / MERGED_COLUMNS : 1, COLUMNS: columns },
    params: {
      parts: cuts.parts,
      columns: table.columns,
      rows: table.rows,
      span: cuts.span,
    },
    grid: foldGrid(Math.ceil(table.columns / columns)),
  });
}

function partialBytes(shape: Shape, { parts }: Parts): number {
  return parts * 2 * shape[shape.length - 1] * 4;
}

function partsGrid({ columns }: Table, { tree, workgroup, parts }: Parts): Grid {
  return foldGrid(tree ? parts : Math.ceil(parts * columns / workgroup));
}

/** Means and variances of the columns of input 0. */
export function momentsLaunches(kind: AdapterKind, shape: Shape): LaunchList {
  const table = tableOf(shape);
  const cuts = cut(kind, table);
  const { tree, workgroup, span } = cuts;
  const parts = launch("moments", {
    aliases: { elem: table.elem },
    buffers: { x: input(0), partial: scratch(0) },
    overrides: { TREE: tree },
    lines: { WORKGROUP: workgroup },
    params: { rows: table.rows, columns: table.columns, span },
    grid: partsGrid(table, cuts),
  });
  return {
    launches: [parts, merge(kind, table, cuts, true)],
    scratchBytes: [partialBytes(shape, cuts)],
  };
}

/** The sums of the gradient: inputs dy, x, gamma, beta, moments. */
export function gradSumsLaunches(
  kind: AdapterKind,
  shape: Shape,
  { epsilon, slope }: NormalizeSettings,
): LaunchList {
  const table = tableOf(shape);
  const cuts = cut(kind, table);
  const { tree, workgroup, span } = cuts;
  const parts = launch("batch_norm_grad_sums", {
    aliases: { elem: table.elem },
    buffers: {
      dy: input(0),
      x: input(1),
      gamma: input(2),
      beta: input(3),
      moments: input(4),
      partial: scratch(0),
    },
    overrides: { TREE: tree, LEAKY: slope !== 1 },
    lines: { WORKGROUP: workgroup },
    params: { rows: table.rows, columns: table.columns, span, epsilon, slope },
    grid: partsGrid(table, cuts),
  });
  return {
    launches: [parts, merge(kind, table, cuts, false)],
    scratchBytes: [partialBytes(shape, cuts)],
  };
}

function elementwise(shape: Shape, { epsilon, slope }: NormalizeSettings) {
  const { rows, columns, elem } = tableOf(shape);
  const blocks = Math.ceil(rows / RUN);
  return {
    aliases: { elem },
    params: { rows, columns, blocks, epsilon, slope },
    grid: foldGrid(Math.ceil(blocks * columns / 256)),
  };
}

/** The normalization: inputs x, gamma, beta, moments. */
export function normalizeLaunches(shape: Shape, settings: NormalizeSettings): LaunchList {
  return {
    launches: [launch("batch_norm", {
      ...elementwise(shape, settings),
      buffers: { x: input(0), gamma: input(1), beta: input(2), moments: input(3), y: output },
      overrides: { LEAKY: settings.slope !== 1 },
    })],
  };
}

/** The gradient in x: inputs dy, x, gamma, beta, moments and, with `training`, sums. */
export function gradInputLaunches(
  shape: Shape,
  { training, ...settings }: NormalizeSettings & { readonly training: boolean },
): LaunchList {
  return {
    launches: [launch("batch_norm_grad_input", {
      ...elementwise(shape, settings),
      buffers: {
        dy: input(0),
        x: input(1),
        gamma: input(2),
        beta: input(3),
        moments: input(4),
        // Without training the binding still wants a buffer: the moments serve.
        sums: input(training ? 5 : 4),
        dx: output,
      },
      overrides: { TRAINING: training, LEAKY: settings.slope !== 1 },
    })],
  };
}
