import { input, type LaunchList, type Operand, output, scratch } from "../engine/launch.ts";
import { SCRATCH_BYTES } from "../wasm/kernels.ts";
import { launch } from "../wasm/launch.ts";
import type { ConvForwardProblem, ConvProblem } from "./conv_kernels.ts";
import { suitsWinograd, winogradGradWeightWasm, winogradWasm } from "./conv_winograd_wasm.ts";
import { BUSY_UNITS, evenPart } from "./matmul_wasm.ts";
import { windowWasm } from "./pool_wasm.ts";
import type { WindowAttributes, WindowGeometry } from "./window.ts";

/** What of the second-level cache a unit's copies may take, beside filters and sums. */
const CACHE_BYTES = 400 << 10;
/** The part of a packed panel of filters that stays in the first-level cache beside the image. */
const PANEL_BYTES = 16 << 10;
/** The least output pixels of a unit where images are small: 16 tiles. */
const UNIT_PIXELS = 96;

/** A forward convolution, or the gradient of one as a forward convolution. */
interface Forward {
  readonly geometry: WindowGeometry;
  readonly window: WindowAttributes;
  /** Zeros between the image's pixels, and one. */
  readonly dilation: readonly [number, number];
  readonly o: number;
  readonly flip: boolean;
  readonly bias?: Operand;
  readonly relu: boolean;
}

/** A forward convolution on the CPU engine: inputs x, w and, if it has one, bias. */
export function convWasm(problem: ConvForwardProblem): LaunchList {
  const { geometry, window, o, hasBias, activation } = problem;
  return forward({
    geometry,
    window,
    dilation: [1, 1],
    o,
    flip: false,
    bias: hasBias ? input(2) : undefined,
    relu: activation === "relu",
  });
}

/** The gradient in x: a convolution of dy, spread by the strides, with the filters turned. Inputs dy, w. */
export function convGradInputWasm({ geometry: g, window, o }: ConvProblem): LaunchList {
  const { size, strides } = window;
  const geometry: WindowGeometry = {
    n: g.n,
    h: g.oh,
    w: g.ow,
    c: o,
    oh: g.h,
    ow: g.w,
    padTop: size[0] - 1 - g.padTop,
    padLeft: size[1] - 1 - g.padLeft,
  };
  return forward({
    geometry,
    window: { ...window, strides: [1, 1] },
    dilation: strides,
    o: g.c,
    flip: true,
    relu: false,
  });
}

function forward(
  { geometry: g, window, dilation, o, flip, bias, relu }: Forward,
): LaunchList {
  // The direct kernel multiplies the zeros between spread pixels, too.
  if (suitsWinograd(g, window, o)) {
    return winogradWasm(g, o, { taps: window.size[0], dilation, flip, bias, relu });
  }
  const { size: [kh, kw], strides: [strideH, strideW] } = window;
  const panels = Math.ceil(o / 8);
  const columns = (g.ow - 1) * strideW + kw;
  // The image's copy, a pointer a pixel, the bias.
  const bytes = (rows: number, channels: number) =>
    ((rows - 1) * strideH + kh) * columns * channels * 4 + rows * g.ow * 4 + panels * 32 + 512;
  let channels = evenPart(g.c, Math.max(4, Math.floor(PANEL_BYTES / (kw * 32))), 1);
  while (channels > 1 && bytes(1, channels) > SCRATCH_BYTES) channels = Math.ceil(channels / 2);
  checkScratch(bytes(1, channels), window.size, g);
  let bandRows = g.oh;
  while (
    bandRows > 1 &&
    (bytes(bandRows, channels) > CACHE_BYTES ||
      g.n * Math.ceil(g.oh / bandRows) < BUSY_UNITS && bandRows * g.ow >= 2 * UNIT_PIXELS)
  ) bandRows = Math.ceil(bandRows / 2);
  const bands = Math.ceil(g.oh / bandRows);
  const few = Math.min(
    Math.floor(UNIT_PIXELS / (g.oh * g.ow)),
    Math.floor(CACHE_BYTES / bytes(g.oh, channels)),
    Math.ceil(g.n / BUSY_UNITS),
  );
  const images = bands > 1 ? 1 : Math.max(1, few);
  const packed = scratch(0);
  return {
    launches: [
      launch("conv2d_pack_filters", {
        buffers: { w: input(1), packed },
        params: { kh, kw, c: g.c, o, channels, flip: Number(flip) },
        units: panels,
      }),
      launch("conv2d", {
        buffers: { x: input(0), packed, bias: bias ?? packed, y: output },
        params: {
          n: g.n,
          o,
          ...windowWasm(g, window),
          dilate_h: dilation[0],
          dilate_w: dilation[1],
          images,
          bands,
          band_rows: bandRows,
          channels,
          filter_rows: Math.max(1, Math.min(kh, Math.floor(PANEL_BYTES / (kw * channels * 32)))),
          has_bias: Number(bias !== undefined),
          relu: Number(relu),
        },
        units: bands > 1 ? g.n * bands : Math.ceil(g.n / images),
      }),
    ],
    scratchBytes: [panels * kh * kw * g.c * 32],
  };
}

function checkScratch(bytes: number, [kh, kw]: readonly number[], g: WindowGeometry): void {
  if (bytes <= SCRATCH_BYTES) return;
  throw new RangeError(
    `Cannot convolve as a row of windows must fit in ${SCRATCH_BYTES} bytes a channel: ` +
      `windows of ${kh}x${kw} along ${g.ow} pixels take ${bytes}`,
  );
}

/** Most parts of a filter gradient, each of which is summed apart. */
const PARTS = 16;
/** Output pixels that a part's sums should at least run over between loads and stores of the sums. */
const RUN_PIXELS = 200;
/** Panels of a unit, 64 output channels: enough uses of the image's copies. */
const GROUP_PANELS = 8;

/** The gradient in the filters, in parts that a second launch sums in a fixed order. Inputs x, dy. */
export function convGradWeightWasm(problem: ConvProblem): LaunchList {
  const { geometry: g, window, o } = problem;
  if (suitsWinograd(g, window, o)) return winogradGradWeightWasm(problem);
  const { size: [kh, kw], strides: [strideH] } = window;
  const panels = Math.ceil(o / 8);
  const groupPanels = evenPart(panels, GROUP_PANELS, 1);
  const groups = Math.ceil(panels / groupPanels);
  // The image's shifted copies, dy's packed panels, a pointer a number of a window.
  const bytes = (rows: number, channels: number) =>
    ((rows - 1) * strideH + kh) * kw * g.ow * channels * 4 + rows * g.ow * groupPanels * 32 +
    kh * kw * channels * 4 + 512;
  let channels = evenPart(g.c, 128, 1);
  while (channels > 1 && bytes(1, channels) > SCRATCH_BYTES) channels = Math.ceil(channels / 2);
  checkScratch(bytes(1, channels), window.size, g);
  const blocks = Math.ceil(g.c / channels);
  let bandRows = g.oh;
  while (bandRows > 1 && bytes(bandRows, channels) > CACHE_BYTES) {
    bandRows = Math.ceil(bandRows / 2);
  }
  const few = Math.min(
    Math.floor(RUN_PIXELS / (g.oh * g.ow)),
    Math.floor(CACHE_BYTES / bytes(g.oh, channels)),
    g.n,
  );
  const images = bandRows < g.oh ? 1 : Math.max(1, few);
  const most = Math.min(g.n, Math.ceil(PARTS / (groups * blocks)));
  const partImages = Math.ceil(Math.ceil(g.n / most) / images) * images;
  const parts = Math.ceil(g.n / partImages);
  const sums = Math.ceil(kh * kw * channels / 6) * 192;
  const partial = scratch(0);
  return {
    launches: [
      launch("conv2d_grad_weight", {
        buffers: { x: input(0), dy: input(1), partial },
        params: {
          n: g.n,
          o,
          ...windowWasm(g, window),
          part_images: partImages,
          images,
          band_rows: bandRows,
          channels,
          group_panels: groupPanels,
        },
        units: parts * blocks * groups,
      }),
      launch("conv2d_grad_weight_sum", {
        buffers: { partial, dw: output },
        params: { parts, taps: kh * kw, c: g.c, o, channels },
        units: kh * kw * g.c,
      }),
    ],
    scratchBytes: [parts * panels * blocks * sums],
  };
}
