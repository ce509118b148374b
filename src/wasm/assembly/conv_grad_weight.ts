import { i32Param, pointer, storePart } from "./block";
import { packImage } from "./conv_pack";
import { packPanel } from "./gemm_store";
import { tile } from "./gemm_tile";

/**
 * Partial sums of dw = the windows of x, transposed, times dy:
 * [parts][panels of O][blocks of C][KH KW channels, rounded up to 6][8].
 *
 * The rows of the product are the numbers of a window, the reduction runs over output pixels. The image is
 * copied with its padding once for each filter column, shifted, so that a window's number is a pointer that
 * moves by one pixel a step from the first output pixel to the last: without a break where a row ends, the
 * inner loop gains more than the copies cost.
 *
 * A unit is one of `parts` runs of `part_images` images, one block of `channels` of C, and one group of
 * `group_panels` panels; it takes `images` images at a time and `band_rows` output rows of each.
 */
export function conv2d_grad_weight(p: usize, first: i32, last: i32, scratch: usize): void {
  const x = pointer(p, 0), dy = pointer(p, 1), partial = pointer(p, 2);
  const n = i32Param(p, 3), o = i32Param(p, 4);
  const h = i32Param(p, 5), w = i32Param(p, 6), c = i32Param(p, 7);
  const oh = i32Param(p, 8), ow = i32Param(p, 9);
  const padTop = i32Param(p, 10), padLeft = i32Param(p, 11);
  const kh = i32Param(p, 12), kw = i32Param(p, 13);
  const strideH = i32Param(p, 14), strideW = i32Param(p, 15);
  const partImages = i32Param(p, 16), images = i32Param(p, 17), bandRows = i32Param(p, 18);
  const channels = i32Param(p, 19), groupPanels = i32Param(p, 20);

  const allPanels = (o + 7) >> 3;
  const groups = (allPanels + groupPanels - 1) / groupPanels;
  const blocks = (c + channels - 1) / channels;
  const dyPixel = <usize> o << 2;
  const blockSums = <usize> ((kh * kw * channels + 5) / 6 * 192);
  const panelSums = <usize> blocks * blockSums;

  // Eight zeros, where sums start.
  memory.fill(scratch, 0, 32);
  for (let unit = first; unit < last; unit++) {
    const part = unit / (groups * blocks);
    const channel = unit / groups % blocks * channels;
    const firstPanel = unit % groups * groupPanels;
    const panels = min(groupPanels, allPanels - firstPanel);
    const width = min(channels, c - channel);
    const pixel = <usize> width << 2;
    const line = <usize> ow * pixel;
    const rows = kh * kw * width;
    const sums = partial + <usize> (part * allPanels + firstPanel) * panelSums +
      <usize> (channel / channels) * blockSums;
    const offsets = scratch + 32;
    const block = (offsets + (<usize> rows << 2) + 87) & ~63;
    const start = part * partImages, end = min(n, start + partImages);
    for (let image = start; image < end; image += images) {
      const count = min(images, end - image);
      for (let row = 0; row < oh; row += bandRows) {
        const height = min(bandRows, oh - row);
        const blockRows = (height - 1) * strideH + kh;
        const shift = <usize> blockRows * line;
        const blockBytes = <usize> kw * shift;
        const pixels = height * ow;
        const packed = (block + <usize> count * blockBytes + 63) & ~63;
        const packedPanel = <usize> (count * pixels) << 5;
        for (let i = 0, at = offsets; i < (rows + 5) / 6 * 6; i++, at += 4) {
          // Numbers of a last tile that do not exist read the first.
          const tap = i < rows ? i / width : 0, number = i < rows ? i % width : 0;
          const offset = <usize> (tap % kw) * shift + <usize> (tap / kw) * line;
          store<u32>(at, <u32> (offset + (<usize> number << 2)));
        }
        for (let i = 0; i < count; i++) {
          let to = block + <usize> i * blockBytes;
          for (let q = 0; q < kw; q++) {
            to = packImage(
              to,
              x + (<usize> ((image + i) * h * w * c) << 2),
              h,
              w,
              c,
              channel,
              width,
              row * strideH - padTop,
              q - padLeft,
              1,
              1,
              blockRows,
              ow,
              strideW,
            );
          }
          const from = dy + <usize> (((image + i) * oh + row) * ow) * dyPixel;
          for (let panel = 0; panel < panels; panel++) {
            packPanel(
              packed + <usize> panel * packedPanel + (<usize> (i * pixels) << 5),
              from + (<usize> (firstPanel + panel) << 5),
              dyPixel,
              pixels,
              o - ((firstPanel + panel) << 3),
            );
          }
        }
        // Rows of the output follow one another where the stride is 1.
        const flat = strideH == 1;
        const runs = flat ? 1 : height;
        const len = flat ? pixels : ow;
        const jump: usize = flat ? 0 : <usize> (strideH - 1) * line;
        const jump2 = blockBytes - <usize> (height * strideH) * line;
        const fresh = image == start && row == 0;
        for (let panel = 0; panel < panels; panel++) {
          const b = packed + <usize> panel * packedPanel;
          let to = sums + <usize> panel * panelSums;
          for (let i = 0; i < rows; i += 6) {
            const at = offsets + (<usize> i << 2);
            const init = fresh ? scratch : to, stride: usize = fresh ? 0 : 32;
            tile(block, at, pixel, len, runs, jump, count, jump2, b, init, stride, to, 32, false);
            to += 192;
          }
        }
      }
    }
  }
}

/**
 * dw [KH, KW, C, O] as the sum of the parts of conv2d_grad_weight, in their order. A unit is a row of
 * dw: one number of a window.
 */
export function conv2d_grad_weight_sum(p: usize, first: i32, last: i32, _scratch: usize): void {
  const partial = pointer(p, 0), dw = pointer(p, 1);
  const parts = i32Param(p, 2), taps = i32Param(p, 3), c = i32Param(p, 4);
  const o = i32Param(p, 5), channels = i32Param(p, 6);
  const panels = (o + 7) >> 3;
  const blockSums = <usize> ((taps * channels + 5) / 6 * 192);
  const panelSums = <usize> ((c + channels - 1) / channels) * blockSums;
  const partSums = <usize> panels * panelSums;
  for (let row = first; row < last; row++) {
    const tap = row / c, block = row % c / channels, within = row % c % channels;
    const number = tap * min(channels, c - block * channels) + within;
    let from = partial + <usize> block * blockSums + (<usize> number << 5);
    let to = dw + (<usize> (row * o) << 2);
    for (let left = o; left > 0; left -= 8) {
      let s0 = v128.load(from), s1 = v128.load(from, 16);
      let part = from;
      for (let i = 1; i < parts; i++) {
        part += partSums;
        s0 = f32x4.add(s0, v128.load(part));
        s1 = f32x4.add(s1, v128.load(part, 16));
      }
      storePart(to, s0, left);
      if (left > 4) storePart(to + 16, s1, left - 4);
      from += panelSums;
      to += 32;
    }
  }
}
