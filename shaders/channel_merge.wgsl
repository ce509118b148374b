// The parts of moments.wgsl or batch_norm_grad_sums.wgsl as one, in a fixed order. partial: [parts, 2, C];
//   MOMENTS true:  y[0] = x[0] + mean, y[1] = sum of squared differences / rows, the biased variance
//   MOMENTS false: y = sum over the parts
// x: [rows, C], any buffer without MOMENTS; y: [2, C]. Where C is a multiple of 4, elem is vec4f and columns counts vectors.
// A part is `span` rows, the last one what is left.
// A workgroup has ROWS lanes for each of COLUMNS columns; software adapters, whose barriers cost, get one lane.
// Dispatch: ceil(columns / COLUMNS) workgroups, folded.
//! use lib/fold.wgsl

override MOMENTS: bool;

const ROWS = 1u;
const COLUMNS = 8u;
const WORKGROUP = ROWS * COLUMNS;
alias elem = f32;

struct Params { parts: u32, columns: u32, rows: u32, span: u32 }

@group(0) @binding(0) var<storage, read> partial: array<elem>;
@group(0) @binding(1) var<storage, read> x: array<elem>;
@group(0) @binding(2) var<storage, read_write> y: array<elem>;
@group(0) @binding(3) var<uniform> p: Params;

//! use lib/lanes.wgsl

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let column = folded(group, groups) * COLUMNS + local % COLUMNS;
  // A column beyond the last repeats the last, so that every invocation meets the barriers.
  let at = min(column, p.columns - 1u);
  var found = Lane(0.0, elem(0.0), elem(0.0));
  for (var part = local / COLUMNS; part < p.parts; part += ROWS) {
    let first = partial[2u * part * p.columns + at];
    let second = partial[(2u * part + 1u) * p.columns + at];
    found = merged(found, Lane(f32(min(p.span, p.rows - part * p.span)), first, second));
  }
  found = merge_lanes(local, COLUMNS, found);
  if (local >= COLUMNS || column >= p.columns) { return; }
  if (MOMENTS) {
    y[column] = x[column] + found.first;
    y[p.columns + column] = found.second / f32(p.rows);
  } else {
    y[column] = found.first;
    y[p.columns + column] = found.second;
  }
}
