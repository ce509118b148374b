// What the kernels of spatial normalization share: sums over a window of SIZE rows and columns, clipped at the edges.
// The using file has SIZE, elem and p with length, h, w and c.

// Rows .x up to, not including, .y and columns .z up to .w of the window that starts `before` pixels before a pixel.
fn window_of(pixel: u32, before: u32) -> vec4u {
  let row = pixel / p.w % p.h;
  let column = pixel % p.w;
  let top = max(row, before) - before;
  let left = max(column, before) - before;
  return vec4u(top, min(row + SIZE - before, p.h), left, min(column + SIZE - before, p.w));
}

// Where the channel of element i stands in the first pixel of its image.
fn image_start(i: u32) -> u32 {
  return i / p.c / (p.h * p.w) * (p.h * p.w * p.c) + i % p.c;
}
