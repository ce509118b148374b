// Loops of our own: rows are short, and V8 calls out of the module for memory.copy and memory.fill.

// @ts-ignore: decorator
@inline
function clear(to: usize, bytes: usize): usize {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16) v128.store(to, f32x4.splat(0));
  for (; to < end; to += 4) store<f32>(to, 0);
  return end;
}

// @ts-ignore: decorator
@inline
function copy(to: usize, from: usize, bytes: usize): usize {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, v128.load(from));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(from));
  return end;
}

/**
 * Copies a part of an image into a block with its padding written out, so that the inner loop reads
 * every window without a test: [rows][columns][channels], zeros outside the image. Returns the block's end.
 *
 * Block row r is image row (r + top) / dilateH where that divides, else zeros; block column q is
 * image column (q * step + left) / dilateW likewise.
 * `image` is [h, w, c] and `channel` the first of the block's `channels`.
 */
export function packImage(
  to: usize,
  image: usize,
  h: i32,
  w: i32,
  c: i32,
  channel: i32,
  channels: i32,
  top: i32,
  left: i32,
  dilateH: i32,
  dilateW: i32,
  rows: i32,
  columns: i32,
  step: i32,
): usize {
  const pixel = <usize> channels << 2;
  const whole = channels == c && dilateW == 1 && step == 1;
  for (let row = 0; row < rows; row++) {
    const y = row + top;
    if (y < 0 || y % dilateH != 0 || y / dilateH >= h) {
      to = clear(to, <usize> columns * pixel);
      continue;
    }
    const line = image + (<usize> (y / dilateH * w * c + channel) << 2);
    if (whole) {
      const before = max(0, min(columns, -left));
      const inside = max(0, min(columns - before, w - max(left, 0)));
      to = clear(to, <usize> before * pixel);
      to = copy(to, line + <usize> max(left, 0) * pixel, <usize> inside * pixel);
      to = clear(to, <usize> (columns - before - inside) * pixel);
      continue;
    }
    for (let column = 0, x = left; column < columns; column++, x += step) {
      if (x < 0 || x % dilateW != 0 || x / dilateW >= w) to = clear(to, pixel);
      else to = copy(to, line + (<usize> (x / dilateW * c) << 2), pixel);
    }
  }
  return to;
}
