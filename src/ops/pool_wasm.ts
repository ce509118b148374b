import { input, type LaunchList, output } from "../engine/launch.ts";
import { launch } from "../wasm/launch.ts";
import { SCRATCH_BYTES } from "../wasm/kernels.ts";
import type { WindowAttributes, WindowGeometry } from "./window.ts";

/** The params that all window kernels of the CPU engine share. */
export function windowWasm(g: WindowGeometry, { size, strides }: WindowAttributes) {
  // Kernels list a window's taps, two words each, in a thread's scratch area.
  if (size[0] * size[1] * 8 > SCRATCH_BYTES) {
    throw new RangeError(
      `Cannot pool as a window has at most ${SCRATCH_BYTES / 8} pixels: current size is ${size}`,
    );
  }
  return {
    h: g.h,
    w: g.w,
    c: g.c,
    oh: g.oh,
    ow: g.ow,
    pad_top: g.padTop,
    pad_left: g.padLeft,
    kh: size[0],
    kw: size[1],
    stride_h: strides[0],
    stride_w: strides[1],
  };
}

/** The place of each window's maximum. */
export function argmaxWasm(g: WindowGeometry, window: WindowAttributes): LaunchList {
  return {
    launches: [launch("max_pool2d_argmax", {
      buffers: { x: input(0), y: output },
      params: windowWasm(g, window),
      units: g.n * g.oh,
    })],
  };
}

/** The maxima, given their places. */
export function selectWasm(g: WindowGeometry, window: WindowAttributes): LaunchList {
  return {
    launches: [launch("max_pool2d_select", {
      buffers: { x: input(0), argmax: input(1), y: output },
      params: windowWasm(g, window),
      units: g.n * g.oh,
    })],
  };
}

/** The gradient of max pooling; with a mask, input 2 is the pooled image, whose ReLU is folded in. */
export function maxGradWasm(
  g: WindowGeometry,
  window: WindowAttributes,
  masked: boolean,
): LaunchList {
  return {
    launches: [launch("max_pool2d_grad", {
      buffers: { argmax: input(0), dy: input(1), pooled: input(masked ? 2 : 1), dx: output },
      params: { ...windowWasm(g, window), mask: Number(masked) },
      units: g.n * g.h,
    })],
  };
}

/** Average pooling, or its gradient. */
export function averageWasm(
  g: WindowGeometry,
  window: WindowAttributes,
  gradient: boolean,
): LaunchList {
  return {
    launches: [launch(gradient ? "avg_pool2d_grad" : "avg_pool2d", {
      buffers: { x: input(0), y: output },
      params: windowWasm(g, window),
      units: g.n * (gradient ? g.h : g.oh),
    })],
  };
}
