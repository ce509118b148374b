import { i32Param, pointer } from "./block";
import { packPanel, padBias, place, PLACE_BYTES } from "./gemm_store";

/**
 * y [M, N] = act(a b + bias): a [M, K] or, with `transpose_a`, [K, M]; b [K, N]; bias [N].
 *
 * A unit is a block of `rows` rows by `columns` columns of y. `depth` steps of K at a time, b's part is
 * packed into panels of 8 columns; a is read in place where its rows run along K, else packed too, as
 * rows that lie a power of two apart would fall out of the cache.
 */
export function matmul(p: usize, first: i32, last: i32, scratch: usize): void {
  const a = pointer(p, 0), b = pointer(p, 1), bias = pointer(p, 2), y = pointer(p, 3);
  const m = i32Param(p, 4), n = i32Param(p, 5), k = i32Param(p, 6);
  const transposeA = i32Param(p, 7) != 0;
  const hasBias = i32Param(p, 8) != 0, relu = i32Param(p, 9) != 0;
  const rows = i32Param(p, 10), columns = i32Param(p, 11), depth = i32Param(p, 12);

  const bands = (m + rows - 1) / rows;
  const aLine = <usize> (transposeA ? m : k) << 2;
  const line = <usize> n << 2;
  const biases = scratch + PLACE_BYTES;

  for (let unit = first; unit < last; unit++) {
    const row = unit % bands * rows, column = unit / bands * columns;
    const height = min(rows, m - row), width = min(columns, n - column);
    const whole = (height + 5) / 6 * 6;
    const panels = (width + 7) >> 3;
    const table = padBias(biases, hasBias ? bias + (<usize> column << 2) : 0, width);
    const packedA = table + (<usize> whole << 2);
    const aStep: usize = transposeA ? <usize> whole << 2 : 4;
    for (let i = 0; i < whole; i++) {
      // Rows of the last tile that do not exist read the last row again.
      const offset = transposeA ? <usize> i << 2 : <usize> min(i, height - 1) * aLine;
      store<u32>(table + (<usize> i << 2), <u32> offset);
    }
    for (let step = 0; step < k; step += depth) {
      const len = min(depth, k - step);
      let from = a + (<usize> row * aLine) + (<usize> step << 2);
      let packed = (packedA + 63) & ~63;
      if (transposeA) {
        from = packed;
        packed = packRows(packed, a + <usize> step * aLine + (<usize> row << 2), aLine, len, height, whole);
        packed = (packed + 63) & ~63;
      }
      const panelBytes = <usize> len << 5;
      const source = b + <usize> step * line + (<usize> column << 2);
      for (let panel = 0; panel < panels; panel++) {
        packPanel(
          packed + <usize> panel * panelBytes,
          source + (<usize> panel << 5),
          line,
          len,
          width - (panel << 3),
        );
      }
      const gate = relu && step + len == k;
      for (let panel = 0; panel < panels; panel++) {
        const bias8 = step == 0 ? biases + (<usize> panel << 5) : 0;
        const to = y + <usize> row * line + (<usize> column << 2) + (<usize> panel << 5);
        for (let i = 0; i < height; i += 6) {
          place(
            scratch,
            height - i,
            width - (panel << 3),
            bias8,
            gate,
            to + <usize> i * line,
            line,
            from,
            table + (<usize> i << 2),
            aStep,
            len,
            1,
            0,
            packed + <usize> panel * panelBytes,
          );
        }
      }
    }
  }
}

/** Packs `len` rows of `width` numbers, `stride` bytes apart, to rows of `whole`; zeros beyond `width`. */
function packRows(
  to: usize,
  from: usize,
  stride: usize,
  len: i32,
  width: i32,
  whole: i32,
): usize {
  for (let i = 0; i < len; i++) {
    let j = 0;
    for (; j + 4 <= width; j += 4) {
      v128.store(to + (<usize> j << 2), v128.load(from + (<usize> j << 2)));
    }
    for (; j < width; j++) store<f32>(to + (<usize> j << 2), load<f32>(from + (<usize> j << 2)));
    for (; j < whole; j++) store<f32>(to + (<usize> j << 2), 0);
    to += <usize> whole << 2;
    from += stride;
  }
  return to;
}
