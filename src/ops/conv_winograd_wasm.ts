import { input, type LaunchList, type Operand, output, scratch } from "../engine/launch.ts";
import { SCRATCH_BYTES } from "../wasm/kernels.ts";
import { launch } from "../wasm/launch.ts";
import type { ConvProblem } from "./conv_kernels.ts";
import { BUSY_UNITS, evenPart } from "./matmul_wasm.ts";
import type { WindowAttributes, WindowGeometry } from "./window.ts";

/** Rows and columns of a tile of output pixels. */
const TILE = 4;
/** The least channels for which the products outweigh the transforms. */
const LEAST_CHANNELS = 12;
/** What a forward unit's tiles may take of the second-level cache, where filters pass through beside them. */
const CACHE_BYTES = 512 << 10;
/** Output channels that a unit makes at a time, in panels of 8, and input channels of a filter gradient's. */
const GROUP_PANELS = 16, BLOCK_CHANNELS = 64;

/** Numbers of a transformed tile. */
function pointCount(taps: number): number {
  return (TILE + taps - 1) ** 2;
}

/** Tiles of 4x4 output pixels. */
function tileCount({ n, oh, ow }: WindowGeometry): number {
  return n * Math.ceil(oh / TILE) * Math.ceil(ow / TILE);
}

/** Panels of output channels that a unit makes at a time. */
function groupPanels(o: number): number {
  return evenPart(Math.ceil(o / 8), GROUP_PANELS, 1);
}

/** Bytes of a transformed tile: c channels of x, and a group of y's. */
function tileBytes(taps: number, c: number, o: number): number {
  return pointCount(taps) * (c + 8 * groupPanels(o)) * 4;
}

/** Bytes that a thread's scratch area has for tiles. */
function tileSpace(taps: number, c: number, o: number): number {
  // Beside them stand one transform's passes, a table and gaps of 64 bytes for each point, zeros, biases.
  return SCRATCH_BYTES - 2048 - pointCount(taps) * 132 - 4 * (c + o + 8);
}

/** Tiles that a forward unit takes at a time, a multiple of 6; 0 if not even 6 fit in the scratch area. */
function unitTiles(g: WindowGeometry, taps: number, o: number): number {
  const six = 6 * tileBytes(taps, g.c, o);
  if (six > tileSpace(taps, g.c, o)) return 0;
  const most = Math.max(6, 6 * Math.floor(CACHE_BYTES / six));
  return Math.min(most, evenPart(tileCount(g), Math.ceil(tileCount(g) / BUSY_UNITS), 6));
}

/** Whether F(4x4, 3x3) or F(4x4, 5x5) takes fewer operations than the plain sum, and the kernels can do it. */
export function suitsWinograd(
  g: WindowGeometry,
  { size: [taps, kw], strides }: WindowAttributes,
  o: number,
): boolean {
  return (taps === 3 || taps === 5) && kw === taps && strides[0] === 1 && strides[1] === 1 &&
    g.c % 4 === 0 && o % 4 === 0 && g.c >= LEAST_CHANNELS && o >= LEAST_CHANNELS &&
    // What of a tile hangs over the edge is work for nothing, and the transforms take their time.
    tileCount(g) * pointCount(taps) < 0.5 * taps * taps * g.n * g.oh * g.ow &&
    // The filters are transformed once a launch.
    tileCount(g) >= BUSY_UNITS && unitTiles(g, taps, o) > 0;
}

function imageParams({ n, h, w, c, oh, ow, padTop, padLeft }: WindowGeometry, o: number) {
  return { n, o, h, w, c, oh, ow, pad_top: padTop, pad_left: padLeft };
}

/** A convolution of input 0, spread by the dilation, with the filters of input 1; `flip`: with the filters' gradient in x. */
export function winogradWasm(
  g: WindowGeometry,
  o: number,
  { taps, dilation: [dilateH, dilateW], flip, bias, relu }: {
    readonly taps: number;
    readonly dilation: readonly [number, number];
    readonly flip: boolean;
    readonly bias?: Operand;
    readonly relu: boolean;
  },
): LaunchList {
  const panels = Math.ceil(o / 8), tiles = unitTiles(g, taps, o);
  const u = scratch(0);
  return {
    launches: [
      launch("winograd_filters", {
        buffers: { w: input(1), u },
        params: { taps, c: g.c, o, flip: Number(flip) },
        units: panels,
      }),
      launch("winograd_conv2d", {
        buffers: { x: input(0), u, bias: bias ?? u, y: output },
        params: {
          ...imageParams(g, o),
          taps,
          unit_tiles: tiles,
          group_panels: groupPanels(o),
          dilate_h: dilateH,
          dilate_w: dilateW,
          has_bias: Number(bias !== undefined),
          relu: Number(relu),
        },
        units: Math.ceil(tileCount(g) / tiles),
      }),
    ],
    scratchBytes: [pointCount(taps) * panels * g.c * 32],
  };
}

/** Units of a filter gradient: where channels make fewer, the tiles are cut in parts, each summed apart. */
const UNITS = 8;
/** The least tiles of a part: the sums of a part cost about as much as six tiles. */
const PART_TILES = 12;

/** The gradient in the filters, in parts that a second launch sums in a fixed order. Inputs x, dy. */
export function winogradGradWeightWasm({ geometry: g, window, o }: ConvProblem): LaunchList {
  const taps = window.size[0], panels = groupPanels(o);
  const channels = evenPart(g.c, BLOCK_CHANNELS, 4);
  const blocks = Math.ceil(g.c / channels) * Math.ceil(o / 8 / panels);
  const most = Math.max(PART_TILES, Math.ceil(tileCount(g) / Math.ceil(UNITS / blocks)));
  // Each run of tiles loads and stores all sums: runs as long as fit, parts of whole runs.
  const fit = Math.floor(tileSpace(taps, channels, o) / tileBytes(taps, channels, o));
  const tiles = Math.min(most, tileCount(g), fit);
  const partTiles = Math.ceil(most / tiles) * tiles;
  const parts = Math.ceil(tileCount(g) / partTiles);
  const partial = scratch(0);
  const sums = { taps, channels, group_panels: panels };
  return {
    launches: [
      launch("winograd_grad_weight", {
        buffers: { x: input(0), dy: input(1), partial },
        params: { ...imageParams(g, o), ...sums, part_tiles: partTiles, unit_tiles: tiles },
        units: parts * blocks,
      }),
      launch("winograd_grad_weight_sum", {
        buffers: { partial, dw: output },
        params: { ...sums, parts, c: g.c, o },
        units: g.c / 2,
      }),
    ],
    scratchBytes: [parts * blocks * pointCount(taps) * panels * Math.ceil(channels / 6) * 192],
  };
}
