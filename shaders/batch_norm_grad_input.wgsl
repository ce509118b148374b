// The gradient of batch_norm.wgsl in x. With n = (x - mean) / sqrt(variance + epsilon), dz as in
// batch_norm_grad_sums.wgsl and that file's sums over all rows:
//   TRAINING true:  dx = gamma / sqrt(variance + epsilon) (dz - sums[0] / rows - n sums[1] / rows), as the moments
//                   are those of x
//   TRAINING false: dx = gamma / sqrt(variance + epsilon) dz, as they are given
// dy, x, dx: [rows, C]; gamma, beta: [C]; moments, sums: [2, C] (without TRAINING any buffer for sums). RUN, blocks
// and elem are as in batch_norm.wgsl. Dispatch: ceil(blocks * columns / 256) workgroups, folded.
//! use lib/fold.wgsl

override TRAINING: bool;
override LEAKY: bool;

const RUN = 8u;
const WORKGROUP = 256u;
alias elem = f32;

struct Params { rows: u32, columns: u32, blocks: u32, epsilon: f32, slope: f32 }

@group(0) @binding(0) var<storage, read> dy: array<elem>;
@group(0) @binding(1) var<storage, read> x: array<elem>;
@group(0) @binding(2) var<storage, read> gamma: array<elem>;
@group(0) @binding(3) var<storage, read> beta: array<elem>;
@group(0) @binding(4) var<storage, read> moments: array<elem>;
@group(0) @binding(5) var<storage, read> sums: array<elem>;
@group(0) @binding(6) var<storage, read_write> dx: array<elem>;
@group(0) @binding(7) var<uniform> p: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = folded(group, groups) * WORKGROUP + local;
  let column = index % p.columns;
  let block = index / p.columns;
  if (block >= p.blocks) { return; }
  let mean = moments[column];
  let inverse = inverseSqrt(moments[p.columns + column] + p.epsilon);
  let scale = gamma[column];
  let shift = beta[column];
  var average = elem(0.0);
  var slant = elem(0.0);
  if (TRAINING) {
    average = sums[column] / f32(p.rows);
    slant = sums[p.columns + column] / f32(p.rows);
  }
  for (var i = 0u; i < RUN; i++) { //! unroll
    let row = block + i * p.blocks;
    if (row < p.rows) {
      let at = row * p.columns + column;
      let normal = (x[at] - mean) * inverse;
      let d = dy[at];
      let z = normal * scale + shift;
      let dz = select(d, select(d, p.slope * d, z <= elem(0.0)), LEAKY);
      dx[at] = scale * inverse * (dz - average - normal * slant);
    }
  }
}
