import { input, type LaunchList, output, scratch } from "../engine/launch.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import { SCRATCH_BYTES } from "../wasm/kernels.ts";
import { launch } from "../wasm/launch.ts";
import type { NormalizeSettings } from "./batch_norm_kernels.ts";

/** Elements of a part of the rows: 16 KiB, so that two tensors' parts stay in the first-level cache. */
const PART = 4096;
/** Bytes of four columns in the tables that normalization keeps in a thread's scratch area. */
const TABLE_BYTES = 80;

interface Parts {
  readonly rows: number;
  readonly c: number;
  readonly part: number;
}

function partsOf(shape: Shape): Parts & { readonly units: number } {
  const c = shape[shape.length - 1];
  const rows = sizeOf(shape) / c;
  if (Math.ceil(c / 4) * TABLE_BYTES > SCRATCH_BYTES) {
    throw new RangeError(
      `Cannot normalize ${c} channels: the CPU engine has room for ${
        4 * Math.floor(SCRATCH_BYTES / TABLE_BYTES)
      }`,
    );
  }
  const part = Math.max(8, Math.floor(PART / c));
  return { rows, c, part, units: Math.ceil(rows / part) };
}

function merge(parts: Parts, moments: boolean) {
  return launch("channel_merge", {
    buffers: { partial: scratch(0), x: input(0), y: output },
    params: { ...parts, moments: Number(moments) },
    units: Math.ceil(parts.c / 4),
  });
}

/** Means and variances of the columns of input 0. */
export function momentsWasm(shape: Shape): LaunchList {
  const { units, ...params } = partsOf(shape);
  const parts = launch("moments", {
    buffers: { x: input(0), partial: scratch(0) },
    params,
    units,
  });
  return { launches: [parts, merge(params, true)], scratchBytes: [units * 2 * params.c * 4] };
}

/** The sums of the gradient: inputs dy, x, gamma, beta, moments. */
export function gradSumsWasm(shape: Shape, { epsilon, slope }: NormalizeSettings): LaunchList {
  const { units, ...params } = partsOf(shape);
  const parts = launch("batch_norm_grad_sums", {
    buffers: {
      dy: input(0),
      x: input(1),
      gamma: input(2),
      beta: input(3),
      moments: input(4),
      partial: scratch(0),
    },
    params: { ...params, epsilon, slope },
    units,
  });
  return { launches: [parts, merge(params, false)], scratchBytes: [units * 2 * params.c * 4] };
}

/** The normalization: inputs x, gamma, beta, moments. */
export function normalizeWasm(shape: Shape, { epsilon, slope }: NormalizeSettings): LaunchList {
  const { units, ...params } = partsOf(shape);
  return {
    launches: [launch("batch_norm", {
      buffers: { x: input(0), gamma: input(1), beta: input(2), moments: input(3), y: output },
      params: { ...params, epsilon, slope },
      units,
    })],
  };
}

/** The gradient in x: inputs dy, x, gamma, beta, moments and, with `training`, sums. */
export function gradInputWasm(
  shape: Shape,
  { epsilon, slope, training }: NormalizeSettings & { readonly training: boolean },
): LaunchList {
  const { units, ...params } = partsOf(shape);
  return {
    launches: [launch("batch_norm_grad_input", {
      buffers: {
        dy: input(0),
        x: input(1),
        gamma: input(2),
        beta: input(3),
        moments: input(4),
        // Without training the sums count as zero: the moments serve.
        sums: input(training ? 5 : 4),
        dx: output,
      },
      params: { ...params, epsilon, slope, training: Number(training) },
      units,
    })],
  };
}
