import { input, type LaunchList, type Operand, output, scratch } from "../engine/launch.ts";
import { SCRATCH_BYTES } from "../wasm/kernels.ts";
import { launch } from "../wasm/launch.ts";
import type { ConvProblem } from "./conv_kernels.ts";
import { BUSY_UNITS, evenPart } from "./matmul_wasm.ts";
import type { WindowAttributes, WindowGeometry } from "./window.ts";

/** Output pixels of a tile, and numbers of a transformed one, 8x8. */
const TILE = 4, POINTS = 64;
/** The least channels for which the products outweigh the transforms. */
const LEAST_CHANNELS = 16;

/** Tiles of 4x4 output pixels. */
function tileCount({ n, oh, ow }: WindowGeometry): number {
  return n * Math.ceil(oh / TILE) * Math.ceil(ow / TILE);
}

/** Tiles that a unit takes at a time, a multiple of 6; 0 if not even 6 fit in a thread's scratch area. */
function unitTiles(g: WindowGeometry, o: number): number {
  const numbers = g.c + Math.ceil(o / 8) * 8;
  // What the kernels need beside the tiles: zeros, a bias, a table, one transform's passes.
  const fixed = 2048 + POINTS * 128 + numbers * 4;
  // More tiles at a time are a longer reduction of the filters' gradient: as many as fit.
  const fit = Math.floor((SCRATCH_BYTES - fixed) / (6 * POINTS * numbers * 4));
  if (fit < 1) return 0;
  return Math.min(6 * fit, evenPart(tileCount(g), Math.ceil(tileCount(g) / BUSY_UNITS), 6));
}

/** Whether F(4x4, 5x5) takes fewer operations than the plain sum, and the kernels can do it. */
export function suitsWinograd(
  g: WindowGeometry,
  { size, strides }: WindowAttributes,
  o: number,
): boolean {
  return size[0] === 5 && size[1] === 5 && strides[0] === 1 && strides[1] === 1 &&
    g.c % 4 === 0 && o % 4 === 0 && g.c >= LEAST_CHANNELS && o >= LEAST_CHANNELS &&
    // What of a tile hangs over the edge is work for nothing, and the transforms take their time.
    tileCount(g) * POINTS < 0.5 * 25 * g.n * g.oh * g.ow &&
    // The filters are transformed once a launch.
    tileCount(g) >= BUSY_UNITS && unitTiles(g, o) > 0;
}

function imageParams({ n, h, w, c, oh, ow, padTop, padLeft }: WindowGeometry, o: number) {
  return { n, o, h, w, c, oh, ow, pad_top: padTop, pad_left: padLeft };
}

/** A convolution of input 0 with the filters of input 1; `flip`: with the filters' gradient in x. */
export function winogradWasm(
  g: WindowGeometry,
  o: number,
  { flip, bias, relu }: {
    readonly flip: boolean;
    readonly bias?: Operand;
    readonly relu: boolean;
  },
): LaunchList {
  const panels = Math.ceil(o / 8), tiles = unitTiles(g, o);
  const u = scratch(0);
  return {
    launches: [
      launch("winograd_filters", {
        buffers: { w: input(1), u },
        params: { c: g.c, o, flip: Number(flip) },
        units: panels,
      }),
      launch("winograd_conv2d", {
        buffers: { x: input(0), u, bias: bias ?? u, y: output },
        params: {
          ...imageParams(g, o),
          unit_tiles: tiles,
          has_bias: Number(bias !== undefined),
          relu: Number(relu),
        },
        units: Math.ceil(tileCount(g) / tiles),
      }),
    ],
    scratchBytes: [POINTS * panels * g.c * 32],
  };
}

/** Parts of a filter gradient, each of which is summed apart. */
const PARTS = 8;
/** The most bytes of a part's sums: beyond, a part a thread would take too much memory. */
const PART_BYTES = 4 << 20;

/** Bytes of one part's sums. */
function partBytes({ c }: WindowGeometry, o: number): number {
  return POINTS * Math.ceil(o / 8) * Math.ceil(c / 6) * 192;
}

/** Whether the gradient in the filters should be made by `winogradGradWeightWasm`. */
export function suitsWinogradGradWeight({ geometry, window, o }: ConvProblem): boolean {
  return suitsWinograd(geometry, window, o) && partBytes(geometry, o) <= PART_BYTES;
}

/** The gradient in 5x5 filters, in parts that a second launch sums in a fixed order. Inputs x, dy. */
export function winogradGradWeightWasm({ geometry: g, o }: ConvProblem): LaunchList {
  const tiles = unitTiles(g, o);
  const partTiles = Math.ceil(tileCount(g) / PARTS / tiles) * tiles;
  const parts = Math.ceil(tileCount(g) / partTiles);
  const partial = scratch(0);
  return {
    launches: [
      launch("winograd_grad_weight", {
        buffers: { x: input(0), dy: input(1), partial },
        params: { ...imageParams(g, o), part_tiles: partTiles, unit_tiles: tiles },
        units: parts,
      }),
      launch("winograd_grad_weight_sum", {
        buffers: { partial, dw: output },
        params: { parts, c: g.c, o },
        units: g.c / 2,
      }),
    ],
    scratchBytes: [parts * partBytes(g, o)],
  };
}
