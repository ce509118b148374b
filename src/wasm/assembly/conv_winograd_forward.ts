import { i32Param, pointer } from "./block";
import { gatherOutput, PASS_BYTES, TILE, transformInput } from "./conv_winograd";
import { padBias } from "./gemm_store";
import { tile } from "./gemm_tile";

/**
 * Writes the addresses of a tile's size x size pixels, from row `top`, column `left`; `zeros` outside, and between
 * the image's pixels where they are spread: row y of the image is row y * dilateH, and so across.
 */
export function listPixels(
  table: usize,
  size: i32,
  image: usize,
  h: i32,
  w: i32,
  top: i32,
  left: i32,
  dilateH: i32,
  dilateW: i32,
  pixel: usize,
  zeros: usize,
): void {
  for (let y = top; y < top + size; y++) {
    const row = y / dilateH;
    const inRow = y >= 0 && row < h && row * dilateH == y;
    for (let x = left; x < left + size; x++) {
      const column = x / dilateW;
      const inside = inRow && x >= 0 && column < w && column * dilateW == x;
      store<u32>(table, <u32> (inside ? image + <usize> (row * w + column) * pixel : zeros));
      table += 4;
    }
  }
}

/**
 * y = act(convolution of x, spread by the dilation, stride 1, with transformed 3x3 or 5x5 filters u + bias): a product
 * [tiles, C] [C, O] for each of the 36 or 64 numbers of a transformed tile. C and O are multiples of 4.
 * A unit is `unit_tiles` 4x4 tiles of y, numbered along rows, then columns, then images; it makes
 * `group_panels` panels of 8 output channels at a time.
 */
export function winograd_conv2d(p: usize, first: i32, last: i32, scratch: usize): void {
  const x = pointer(p, 0), u = pointer(p, 1), bias = pointer(p, 2), y = pointer(p, 3);
  const n = i32Param(p, 4), o = i32Param(p, 5);
  const h = i32Param(p, 6), w = i32Param(p, 7), c = i32Param(p, 8);
  const oh = i32Param(p, 9), ow = i32Param(p, 10);
  const padTop = i32Param(p, 11), padLeft = i32Param(p, 12);
  const taps = i32Param(p, 13), unitTiles = i32Param(p, 14), groupPanels = i32Param(p, 15);
  const dilateH = i32Param(p, 16), dilateW = i32Param(p, 17);
  const hasBias = i32Param(p, 18) != 0, relu = i32Param(p, 19) != 0;

  const side = <usize> (TILE + taps - 1), points = side * side;
  const down = (oh + TILE - 1) / TILE, across = (ow + TILE - 1) / TILE;
  const tiles = n * down * across;
  const panels = (o + 7) >> 3;
  const pixel = <usize> c << 2, line = <usize> groupPanels << 5;
  const stepX = <usize> o << 2, stepY = <usize> ow * stepX;
  const whole = (unitTiles + 5) / 6 * 6;
  // 64 bytes more, lest the numbers of a tile fall in the same few sets of the cache.
  const vStride = <usize> whole * pixel + 64, mStride = <usize> whole * line + 64;
  const panelBytes = <usize> c << 5;

  const table = scratch + PASS_BYTES;
  const offsets = table + (points << 2);
  const zeros = offsets + 24;
  memory.fill(zeros, 0, max(pixel, 32));
  const biases = zeros + max(pixel, 32);
  const v = (padBias(biases, hasBias ? bias : 0, o) + 63) & ~63;
  const m = v + points * vStride;
  for (let i: usize = 0; i < 6; i++) store<u32>(offsets + (i << 2), <u32> (i * pixel));
  const zero = f32x4.splat(0);

  for (let unit = first; unit < last; unit++) {
    const start = unit * unitTiles, count = min(unitTiles, tiles - start);
    for (let i = 0; i < count; i++) {
      const index = start + i, image = index / (down * across);
      const row = index / across % down * TILE, column = index % across * TILE;
      const from = x + <usize> (image * h * w) * pixel;
      const top = row - padTop, left = column - padLeft;
      listPixels(table, <i32> side, from, h, w, top, left, dilateH, dilateW, pixel, zeros);
      transformInput(side, table, pixel, v + <usize> i * pixel, vStride, scratch);
    }
    for (let firstPanel = 0; firstPanel < panels; firstPanel += groupPanels) {
      const group = min(groupPanels, panels - firstPanel);
      const skipped = <usize> firstPanel << 5;
      for (let point: usize = 0; point < points; point++) {
        let b = u + (point * <usize> panels + <usize> firstPanel) * panelBytes;
        for (let panel = 0; panel < group; panel++) {
          let a = v + point * vStride, to = m + point * mStride + (<usize> panel << 5);
          for (let i = 0; i < count; i += 6) {
            tile(a, offsets, 4, c, 1, 0, 1, 0, b, zeros, 0, to, line, false);
            a += 6 * pixel;
            to += 6 * line;
          }
          b += panelBytes;
        }
      }
      const bytes = min(<usize> group << 5, stepX - skipped);
      for (let i = 0; i < count; i++) {
        const index = start + i, image = index / (down * across);
        const row = index / across % down * TILE, column = index % across * TILE;
        const to = y + <usize> ((image * oh + row) * ow + column) * stepX + skipped;
        const rows = min(TILE, oh - row), width = min(TILE, ow - column);
        for (let j: usize = 0; j < bytes; j += 16) {
          const from = m + <usize> i * line + j;
          for (let k: usize = 0; k < side; k++) {
            gatherOutput(side, from + k * mStride, mStride * side, scratch + (k << 4), side << 4);
          }
          const add = v128.load(biases + skipped + j);
          for (let r = 0; r < rows; r++) {
            const at = scratch + <usize> r * (side << 4);
            gatherOutput(side, at, 16, at, 16);
            let out = to + <usize> r * stepY + j;
            for (let q = 0; q < width; q++) {
              const value = f32x4.add(v128.load(at + (<usize> q << 4)), add);
              v128.store(out, relu ? f32x4.pmax(value, zero) : value);
              out += stepX;
            }
          }
        }
      }
    }
  }
}
