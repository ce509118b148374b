// Copies rows into a larger tensor: y[r * y_width + y_start + c] = x[r * x_width + c].
// x: [rows, x_width]; y: [rows, y_width]. Serves concatenation and packing.
// Dispatch: ceil(rows * x_width / 256) workgroups, folded over x and y.
//! use lib/fold.wgsl

const WORKGROUP = 256u;
alias elem = f32;

struct Params { rows: u32, x_width: u32, y_width: u32, y_start: u32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<elem>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  if (i >= p.rows * p.x_width) { return; }
  y[(i / p.x_width) * p.y_width + p.y_start + i % p.x_width] = x[i];
}
