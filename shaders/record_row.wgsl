// Writes a row of a table, in place: history[row, i] = x[i]. history: [rows, length]; x: [length]; row: [1].
// A row beyond the table is dropped by the bounds check of the host, which owns the counter.
// Dispatch: ceil(length / 256) workgroups, folded over x and y.
//! use lib/fold.wgsl

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read> row: array<u32>;
@group(0) @binding(2) var<storage, read_write> history: array<elem>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  if (i >= p.length) { return; }
  history[row[0] * p.length + i] = x[i];
}
