import { i32Param, pointer } from "./block";
import { PASS_BYTES, TILE, transformGradient, transformInput } from "./conv_winograd";
import { listPixels } from "./conv_winograd_forward";
import { tile } from "./gemm_tile";

/**
 * Partial sums of the gradient in the transformed filters of winograd_conv2d, over tiles, of
 * (B' x B) (A dy A'): [parts][blocks of C][groups of O][36 or 64][group_panels][channels, rounded up
 * to 6][8]. A unit is `part_tiles` tiles, `unit_tiles` at a time, of one block of `channels` of C and
 * one group of `group_panels` panels of O. C, O and `channels` are multiples of 4.
 */
export function winograd_grad_weight(p: usize, first: i32, last: i32, scratch: usize): void {
  const x = pointer(p, 0), dy = pointer(p, 1), partial = pointer(p, 2);
  const n = i32Param(p, 3), o = i32Param(p, 4);
  const h = i32Param(p, 5), w = i32Param(p, 6), c = i32Param(p, 7);
  const oh = i32Param(p, 8), ow = i32Param(p, 9);
  const padTop = i32Param(p, 10), padLeft = i32Param(p, 11), taps = i32Param(p, 12);
  const partTiles = i32Param(p, 13), unitTiles = i32Param(p, 14);
  const channels = i32Param(p, 15), groupPanels = i32Param(p, 16);

  const side = <usize> (TILE + taps - 1), points = side * side;
  const down = (oh + TILE - 1) / TILE, across = (ow + TILE - 1) / TILE;
  const tiles = n * down * across;
  const blocks = (c + channels - 1) / channels;
  const panels = (o + 7) >> 3, groups = (panels + groupPanels - 1) / groupPanels;
  const pixel = <usize> c << 2, dyPixel = <usize> o << 2;
  const line = <usize> channels << 2;
  const vStride = <usize> unitTiles * line + 64;
  const packedPanel = <usize> unitTiles << 5;
  const packedStride = <usize> groupPanels * packedPanel + 64;
  const panelSums = <usize> ((channels + 5) / 6 * 192);
  const pointSums = <usize> groupPanels * panelSums;

  const table = scratch + PASS_BYTES;
  const offsets = table + (points << 2);
  const zeros = offsets + 24;
  const most = max(line, <usize> groupPanels << 5);
  memory.fill(zeros, 0, most);
  const v = (zeros + most + 63) & ~63;
  const packed = v + points * vStride;
  for (let i: usize = 0; i < 6; i++) store<u32>(offsets + (i << 2), <u32> (i << 2));

  for (let unit = first; unit < last; unit++) {
    const sums = partial + <usize> unit * points * pointSums;
    const part = unit / (blocks * groups);
    const channel = unit / groups % blocks * channels;
    const firstPanel = unit % groups * groupPanels;
    const group = min(groupPanels, panels - firstPanel);
    const width = <usize> min(channels, c - channel) << 2;
    const fromX = x + (<usize> channel << 2), fromDy = dy + (<usize> firstPanel << 5);
    const dyWidth = min(<usize> group << 5, dyPixel - (<usize> firstPanel << 5));
    const end = min(tiles, (part + 1) * partTiles);
    for (let start = part * partTiles; start < end; start += unitTiles) {
      const count = min(unitTiles, end - start);
      for (let i = 0; i < count; i++) {
        const index = start + i, image = index / (down * across);
        const row = index / across % down * TILE, column = index % across * TILE;
        const at = fromX + <usize> (image * h * w) * pixel;
        const top = row - padTop, left = column - padLeft;
        listPixels(table, <i32> side, at, h, w, top, left, 1, 1, pixel, zeros);
        transformInput(side, table, width, v + <usize> i * line, vStride, scratch);
        const dyAt = fromDy + <usize> (image * oh * ow) * dyPixel;
        listPixels(table, TILE, dyAt, oh, ow, row, column, 1, 1, dyPixel, zeros);
        const to = packed + (<usize> i << 5);
        transformGradient(side, table, dyWidth, to, packedStride, packedPanel, scratch);
      }
      const fresh = start == part * partTiles;
      for (let point: usize = 0; point < points; point++) {
        const a = v + point * vStride;
        for (let panel = 0; panel < group; panel++) {
          const b = packed + point * packedStride + <usize> panel * packedPanel;
          let to = sums + point * pointSums + <usize> panel * panelSums;
          for (let i: usize = 0; i < width; i += 24) {
            const init = fresh ? zeros : to, step: usize = fresh ? 0 : 32;
            tile(a + i, offsets, line, count, 1, 0, 1, 0, b, init, step, to, 32, false);
            to += 192;
          }
        }
      }
    }
  }
}
