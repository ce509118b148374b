import { i32Param, pointer } from "./block";
import { packImage } from "./conv_pack";
import { padBias, place, PLACE_BYTES } from "./gemm_store";

/** Weights of a group of filter rows up to this size stay in the first-level cache with the image. */
const SMALL_WEIGHTS: usize = 24576;

/**
 * y = act(convolution of x with packed filters + bias); with dilation the gradient in x of a strided one.
 *
 * A unit is `band_rows` output rows of an image in `bands`, or `images` whole images. Its input is copied
 * with its padding, `channels` channels at a time; each output pixel is then a pointer into the copy,
 * and a row of a window, KW * channels numbers, is read in place.
 *
 * packed: [panels of O][blocks of C][KH][KW][channels][8], by conv2d_pack_filters.
 */
export function conv2d(p: usize, first: i32, last: i32, scratch: usize): void {
  const x = pointer(p, 0), packed = pointer(p, 1), bias = pointer(p, 2), y = pointer(p, 3);
  const n = i32Param(p, 4), o = i32Param(p, 5);
  const h = i32Param(p, 6), w = i32Param(p, 7), c = i32Param(p, 8);
  const oh = i32Param(p, 9), ow = i32Param(p, 10);
  const padTop = i32Param(p, 11), padLeft = i32Param(p, 12);
  const kh = i32Param(p, 13), kw = i32Param(p, 14);
  const strideH = i32Param(p, 15), strideW = i32Param(p, 16);
  const dilateH = i32Param(p, 17), dilateW = i32Param(p, 18);
  const images = i32Param(p, 19), bands = i32Param(p, 20), bandRows = i32Param(p, 21);
  const channels = i32Param(p, 22), filterRows = i32Param(p, 23);
  const hasBias = i32Param(p, 24) != 0, relu = i32Param(p, 25) != 0;

  const columns = (ow - 1) * strideW + kw;
  const stride = <usize> o << 2;
  const panels = (o + 7) >> 3;
  const panelBytes = <usize> (kh * kw * c) << 5;
  const biases = scratch + PLACE_BYTES;
  const table = padBias(biases, hasBias ? bias : 0, o);

  for (let unit = first; unit < last; unit++) {
    const image = bands > 1 ? unit / bands : unit * images;
    const count = min(images, n - image);
    const row = bands > 1 ? (unit % bands) * bandRows : 0;
    const rows = min(bandRows, oh - row);
    const pixels = count * rows * ow;
    const blockRows = (rows - 1) * strideH + kh;
    const tableEnd = table + (<usize> ((pixels + 5) / 6 * 6) << 2);
    const block = (tableEnd + 63) & ~63;
    const target = y + <usize> ((image * oh + row) * ow) * stride;

    for (let channel = 0; channel < c; channel += channels) {
      const width = min(channels, c - channel);
      const pixel = <usize> width << 2;
      const line = <usize> columns * pixel;
      let to = table;
      for (let i = 0; i < count; i++) {
        const start = <usize> (i * blockRows) * line;
        packImage(
          block + start,
          x + (<usize> ((image + i) * h * w * c) << 2),
          h,
          w,
          c,
          channel,
          width,
          row * strideH - padTop,
          -padLeft,
          dilateH,
          dilateW,
          blockRows,
          columns,
          1,
        );
        for (let r = 0; r < rows; r++) {
          let offset = start + <usize> (r * strideH) * line;
          for (let q = 0; q < ow; q++) {
            store<u32>(to, <u32> offset);
            offset += <usize> strideW * pixel;
            to += 4;
          }
        }
      }
      // Rows of the last tile that do not exist read the last pixel again.
      const repeated = load<u32>(to - 4);
      for (; to < tableEnd; to += 4) store<u32>(to, repeated);

      const weights = packed + (<usize> (kh * kw * channel) << 5);
      for (let tap = 0; tap < kh; tap += filterRows) {
        const runs = min(filterRows, kh - tap);
        const fresh = channel == 0 && tap == 0;
        const gate = relu && channel + width == c && tap + runs == kh;
        const from = block + <usize> tap * line;
        const jump = line - <usize> kw * pixel;
        const group = <usize> (kw * width) << 5;
        // Few weights: all panels for one row of tiles, so that whole lines of y are written.
        // Many: one panel at a time, which then stays in the first-level cache.
        const few = <usize> (panels * runs) * group <= SMALL_WEIGHTS;
        const tiles = few ? 6 : pixels;
        for (let start = 0; start < pixels; start += tiles) {
          const end = min(pixels, start + tiles);
          for (let panel = 0; panel < panels; panel++) {
            const left = o - (panel << 3);
            const b = weights + <usize> panel * panelBytes + <usize> tap * group;
            for (let i = start; i < end; i += 6) {
              place(
                scratch,
                pixels - i,
                left,
                fresh ? biases + (<usize> panel << 5) : 0,
                gate,
                target + <usize> i * stride + (<usize> panel << 5),
                stride,
                from,
                table + (<usize> i << 2),
                4,
                kw * width,
                runs,
                jump,
                b,
              );
            }
          }
        }
      }
    }
  }
}
