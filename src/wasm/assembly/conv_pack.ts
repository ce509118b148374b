/**
 * Copies a part of an image into a block with its padding written out, so that the inner loop reads
 * every window without a test: [rows][columns][channels], zeros outside the image.
 *
 * Block row r is image row (r + top) / dilateH where that divides, else zeros; columns likewise.
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
): void {
  const pixel = <usize> channels << 2;
  const whole = channels == c && dilateW == 1;
  for (let row = 0; row < rows; row++) {
    const y = row + top;
    if (y < 0 || y % dilateH != 0 || y / dilateH >= h) {
      memory.fill(to, 0, <usize> columns * pixel);
      to += <usize> columns * pixel;
      continue;
    }
    const line = image + (<usize> (y / dilateH * w * c + channel) << 2);
    if (whole) {
      const before = max(0, min(columns, -left));
      const inside = max(0, min(columns - before, w - max(left, 0)));
      const after = columns - before - inside;
      memory.fill(to, 0, <usize> before * pixel);
      to += <usize> before * pixel;
      memory.copy(to, line + <usize> max(left, 0) * pixel, <usize> inside * pixel);
      to += <usize> inside * pixel;
      memory.fill(to, 0, <usize> after * pixel);
      to += <usize> after * pixel;
      continue;
    }
    for (let column = 0; column < columns; column++) {
      const x = column + left;
      if (x < 0 || x % dilateW != 0 || x / dilateW >= w) memory.fill(to, 0, pixel);
      else memory.copy(to, line + (<usize> (x / dilateW * c) << 2), pixel);
      to += pixel;
    }
  }
}
