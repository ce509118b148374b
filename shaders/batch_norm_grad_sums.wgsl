// The sums that the gradient of batch_norm.wgsl is made of, for each column and each part of the rows;
// channel_merge.wgsl adds the parts up:
//   partial[0] = sum of dz (the gradient of beta), partial[1] = sum of dz (x - mean) / sqrt(variance + epsilon)
//   (that of gamma); dz = dy where z > 0, else slope dy, with z made again of x, so that y need not be kept.
// dy, x: [rows, C]; gamma, beta: [C]; moments: [2, C]; partial: [parts, 2, C]. Parts, TREE and elem are as in
// moments.wgsl. Dispatch: ceil(parts * columns / WORKGROUP) workgroups, folded; with TREE, parts.
//! use lib/fold.wgsl

override TREE: bool;
override LEAKY: bool;

const MOMENTS = false;
const WORKGROUP = 64u;
alias elem = f32;

struct Params { rows: u32, columns: u32, span: u32, epsilon: f32, slope: f32 }

@group(0) @binding(0) var<storage, read> dy: array<elem>;
@group(0) @binding(1) var<storage, read> x: array<elem>;
@group(0) @binding(2) var<storage, read> gamma: array<elem>;
@group(0) @binding(3) var<storage, read> beta: array<elem>;
@group(0) @binding(4) var<storage, read> moments: array<elem>;
@group(0) @binding(5) var<storage, read_write> partial: array<elem>;
@group(0) @binding(6) var<uniform> p: Params;

//! use lib/lanes.wgsl

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = folded(group, groups) * WORKGROUP + local;
  let column = index % p.columns;
  let lanes = select(1u, WORKGROUP / p.columns, TREE);
  let part = index / p.columns / lanes;
  let start = part * p.span + index / p.columns % lanes;
  // A part beyond the last has no rows, but meets the barriers.
  let end = min((part + 1u) * p.span, p.rows);
  let mean = moments[column];
  let inverse = inverseSqrt(moments[p.columns + column] + p.epsilon);
  let scale = gamma[column];
  let shift = beta[column];
  var found = Lane(0.0, elem(0.0), elem(0.0));
  // Four rows a trip: their loads do not wait for one another.
  for (var row = start; row < end; row += 4u * lanes) {
    for (var i = 0u; i < 4u; i++) { //! unroll
      let r = row + i * lanes;
      let at = min(r, p.rows - 1u) * p.columns + column;
      let normal = (x[at] - mean) * inverse;
      let d = dy[at];
      let z = normal * scale + shift;
      let dz = select(d, select(d, p.slope * d, z <= elem(0.0)), LEAKY);
      if (r < end) {
        found.first += dz;
        found.second += dz * normal;
      }
    }
  }
  if (TREE) { found = merge_lanes(local, p.columns, found); }
  if (part * p.span >= p.rows || (TREE && local >= p.columns)) { return; }
  partial[2u * part * p.columns + column] = found.first;
  partial[(2u * part + 1u) * p.columns + column] = found.second;
}
