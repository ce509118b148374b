// The three products of a locally connected layer as one matrix product for each place ("batch") and each tap of the
// window: sum over k of a(row, k) b(k, column). PRODUCT says which; places are output positions, in 1 pixels of x.
//
//   PRODUCT  rows    k               columns  a(row, k)                b(k, column)
//   0 y      images  channels of x   of y     x[row, source, k]        w[place, tap, k, column]
//   1 dx     images  channels of dy  of x     dy[row, source, k]       w[source, tap, column, k]
//   2 dw     C       images          of y     x[k, source, row]        dy[k, place, column]
//
// The source of a place and a tap, one for a whole workgroup, is the pixel of x under it or, in 1, the output
// position whose tap the pixel is. Where there is none, the tap adds nothing and is skipped: padding costs nothing.
// In 2 a tap has rows of its own, so that dw's rows are taps times C.
// The using file has KH, KW, STRIDE_H, STRIDE_W, PRODUCT and struct Params.

const NOWHERE = 0xffffffffu;

fn source_of(place: u32, tap: u32) -> u32 {
  let kh = tap / KW;
  let kw = tap % KW;
  // What lies before the image wraps to a huge u32.
  if (PRODUCT == 1u) {
    let up = place / p.w + p.pad_top - kh;
    let left = place % p.w + p.pad_left - kw;
    let oh = up / STRIDE_H;
    let ow = left / STRIDE_W;
    let inside = up < 0x80000000u && left < 0x80000000u && oh < p.oh && ow < p.ow;
    let meets = up % STRIDE_H == 0u && left % STRIDE_W == 0u;
    return select(NOWHERE, oh * p.ow + ow, inside && meets);
  }
  let ih = place / p.ow * STRIDE_H + kh - p.pad_top;
  let iw = place % p.ow * STRIDE_W + kw - p.pad_left;
  return select(NOWHERE, ih * p.w + iw, ih < p.h && iw < p.w);
}

// Pixels of a's images.
fn a_pixels() -> u32 {
  return select(p.h * p.w, p.oh * p.ow, PRODUCT == 1u);
}

fn places() -> u32 {
  return select(p.oh * p.ow, p.h * p.w, PRODUCT == 1u);
}

// Where the numbers of a for one image start: its k, or in 2 its rows, follow.
fn a_line(source: u32, image: u32) -> u32 {
  return (image * a_pixels() + source) * select(p.depth, p.rows, PRODUCT == 2u);
}

// Where the columns of b for one k start; in 1, where the k of one column do.
fn b_line(place: u32, tap: u32, source: u32, index: u32) -> u32 {
  if (PRODUCT == 2u) { return (index * places() + place) * p.columns; }
  if (PRODUCT == 1u) { return ((source * KH * KW + tap) * p.columns + index) * p.depth; }
  return ((place * KH * KW + tap) * p.depth + index) * p.columns;
}

fn y_line(place: u32, tap: u32, row: u32) -> u32 {
  if (PRODUCT == 2u) { return ((place * KH * KW + tap) * p.rows + row) * p.columns; }
  return (row * places() + place) * p.columns;
}
