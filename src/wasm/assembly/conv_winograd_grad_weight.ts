import { i32Param, pointer } from "./block";
import {
  PASS_BYTES,
  POINTS,
  SIDE,
  TILE,
  transformGradient,
  transformInput,
} from "./conv_winograd";
import { listPixels } from "./conv_winograd_forward";
import { tile } from "./gemm_tile";

/**
 * Partial sums of the gradient in the transformed filters of winograd_conv2d:
 * [parts][64][panels of O][C, rounded up to 6][8] = sum over tiles of (B' x B) (A dy A').
 * A unit is a part: `part_tiles` tiles, `unit_tiles` at a time. C and O are multiples of 4.
 */
export function winograd_grad_weight(p: usize, first: i32, last: i32, scratch: usize): void {
  const x = pointer(p, 0), dy = pointer(p, 1), partial = pointer(p, 2);
  const n = i32Param(p, 3), o = i32Param(p, 4);
  const h = i32Param(p, 5), w = i32Param(p, 6), c = i32Param(p, 7);
  const oh = i32Param(p, 8), ow = i32Param(p, 9);
  const padTop = i32Param(p, 10), padLeft = i32Param(p, 11);
  const partTiles = i32Param(p, 12), unitTiles = i32Param(p, 13);

  const down = (oh + TILE - 1) / TILE, across = (ow + TILE - 1) / TILE;
  const tiles = n * down * across;
  const panels = (o + 7) >> 3;
  const pixel = <usize> c << 2, dyPixel = <usize> o << 2;
  const vStride = <usize> unitTiles * pixel + 64;
  const packedPanel = <usize> unitTiles << 5, packedStride = <usize> panels * packedPanel + 64;
  const panelSums = <usize> ((c + 5) / 6 * 192);
  const partSums = POINTS * <usize> panels * panelSums;

  const table = scratch + PASS_BYTES;
  const offsets = table + (POINTS << 2);
  const zeros = offsets + 24;
  const most = max(max(pixel, dyPixel), 32);
  memory.fill(zeros, 0, most);
  const v = (zeros + most + 63) & ~63;
  const packed = v + POINTS * vStride;
  for (let i: usize = 0; i < 6; i++) store<u32>(offsets + (i << 2), <u32> (i << 2));

  for (let unit = first; unit < last; unit++) {
    const sums = partial + <usize> unit * partSums;
    const end = min(tiles, (unit + 1) * partTiles);
    for (let start = unit * partTiles; start < end; start += unitTiles) {
      const count = min(unitTiles, end - start);
      for (let i = 0; i < count; i++) {
        const index = start + i, image = index / (down * across);
        const row = index / across % down * TILE, column = index % across * TILE;
        const from = x + <usize> (image * h * w) * pixel;
        listPixels(table, SIDE, from, h, w, row - padTop, column - padLeft, pixel, zeros);
        transformInput(table, pixel, v + <usize> i * pixel, vStride, scratch);
        const fromDy = dy + <usize> (image * oh * ow) * dyPixel;
        listPixels(table, TILE, fromDy, oh, ow, row, column, dyPixel, zeros);
        const to = packed + (<usize> i << 5);
        transformGradient(table, dyPixel, to, packedStride, packedPanel, scratch);
      }
      const fresh = start == unit * partTiles;
      let to = sums;
      for (let point: usize = 0; point < POINTS; point++) {
        const a = v + point * vStride;
        let b = packed + point * packedStride;
        for (let panel = 0; panel < panels; panel++) {
          for (let i: usize = 0; i < pixel; i += 24) {
            const init = fresh ? zeros : to, step: usize = fresh ? 0 : 32;
            tile(a + i, offsets, pixel, count, 1, 0, 1, 0, b, init, step, to, 32, false);
            to += 192;
          }
          b += packedPanel;
        }
      }
    }
  }
}
