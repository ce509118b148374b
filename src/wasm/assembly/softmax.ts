// Rows of logits [rows, classes]. A unit is ROWS rows.
import { pointer, u32Param } from "./block";

// ROWS of src/ops/softmax_wasm.ts.
const ROWS: u32 = 16;

// Shifted by the row's maximum so that exp does not overflow (Goodfellow et al., "Deep Learning", 4.1).
//   output 0: softmax            y[n, c] = exp(z_c - max) / sum            y: [N, C]
//   output 1: cross-entropy      y[n] = log(sum) + max - z_label           y: [N]
//   output 2: its gradient       y[n, c] = (softmax_c - [c = label]) dy[n] y: [N, C]
// A label that is no class gives NaN, so that it cannot train silently.
export function softmax(p: usize, first: i32, last: i32, _scratch: usize): void {
  const logits = pointer(p, 0), labels = pointer(p, 1), dy = pointer(p, 2), y = pointer(p, 3);
  const rows = u32Param(p, 4), classes = u32Param(p, 5), output = u32Param(p, 6);
  const end = min<u32>(<u32> last * ROWS, rows);
  for (let row = <u32> first * ROWS; row < end; row++) {
    const z = logits + ((row * classes) << 2), to = y + ((row * classes) << 2);
    let top = load<f32>(z);
    for (let c: u32 = 1; c < classes; c++) top = max(top, load<f32>(z + (c << 2)));
    let sum: f32 = 0;
    for (let c: u32 = 0; c < classes; c++) {
      const e = Mathf.exp(load<f32>(z + (c << 2)) - top);
      sum += e;
      if (output != 1) store<f32>(to + (c << 2), e);
    }
    const label: u32 = output == 0 ? 0 : load<u32>(labels + (row << 2));
    const known = label < classes;
    if (output == 1) {
      const loss = known ? Mathf.log(sum) + top - load<f32>(z + (label << 2)) : f32.NaN;
      store<f32>(y + (row << 2), loss);
      continue;
    }
    const scale = output == 0 ? <f32> 1 : known ? load<f32>(dy + (row << 2)) : f32.NaN;
    for (let c: u32 = 0; c < classes; c++) {
      const share = load<f32>(to + (c << 2)) / sum;
      const hit: f32 = output == 2 && c == label ? 1 : 0;
      store<f32>(to + (c << 2), (share - hit) * scale);
    }
  }
}

// Cross-entropy with a weight for every class: targets t [rows, classes].
//   output 0: loss          y[n] = sum_c t_c (log(sum) + max - z_c)    y: [N]
//   output 1: its gradient  y[n, c] = (softmax_c sum(t) - t_c) dy[n]   y: [N, C]
export function soft_cross_entropy(p: usize, first: i32, last: i32, _scratch: usize): void {
  const logits = pointer(p, 0), targets = pointer(p, 1), dy = pointer(p, 2), y = pointer(p, 3);
  const rows = u32Param(p, 4), classes = u32Param(p, 5), output = u32Param(p, 6);
  const end = min<u32>(<u32> last * ROWS, rows);
  for (let row = <u32> first * ROWS; row < end; row++) {
    const at = (row * classes) << 2;
    const z = logits + at, t = targets + at, to = y + at;
    let top = load<f32>(z);
    for (let c: u32 = 1; c < classes; c++) top = max(top, load<f32>(z + (c << 2)));
    let sum: f32 = 0, weight: f32 = 0;
    for (let c: u32 = 0; c < classes; c++) {
      const e = Mathf.exp(load<f32>(z + (c << 2)) - top);
      sum += e;
      weight += load<f32>(t + (c << 2));
      if (output == 1) store<f32>(to + (c << 2), e);
    }
    if (output == 0) {
      const level = Mathf.log(sum) + top;
      let loss: f32 = 0;
      for (let c: u32 = 0; c < classes; c++) {
        loss += load<f32>(t + (c << 2)) * (level - load<f32>(z + (c << 2)));
      }
      store<f32>(y + (row << 2), loss);
      continue;
    }
    const scale = load<f32>(dy + (row << 2));
    for (let c: u32 = 0; c < classes; c++) {
      const share = load<f32>(to + (c << 2)) / sum;
      store<f32>(to + (c << 2), (share * weight - load<f32>(t + (c << 2))) * scale);
    }
  }
}

// y[n] = 1 if fewer than k classes score strictly above the label, else 0. A tie at the boundary counts as
// correct, a score that is not finite as wrong (TensorFlow's in_top_k).
export function in_top_k(p: usize, first: i32, last: i32, _scratch: usize): void {
  const logits = pointer(p, 0), labels = pointer(p, 1), y = pointer(p, 2);
  const rows = u32Param(p, 3), classes = u32Param(p, 4), k = u32Param(p, 5);
  const end = min<u32>(<u32> last * ROWS, rows);
  for (let row = <u32> first * ROWS; row < end; row++) {
    const z = logits + ((row * classes) << 2), label = load<u32>(labels + (row << 2));
    let hit: f32 = 0;
    if (label < classes) {
      const score = load<f32>(z + (label << 2));
      let above: u32 = 0;
      for (let c: u32 = 0; c < classes; c++) above += u32(load<f32>(z + (c << 2)) > score);
      // Infinity and NaN minus themselves are NaN.
      hit = score - score == 0 && above < k ? 1 : 0;
    }
    store<f32>(y + (row << 2), hit);
  }
}
