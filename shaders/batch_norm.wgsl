// Normalization of each column of x: z = (x - mean) gamma / sqrt(variance + epsilon) + beta, y = z where z > 0,
// else slope z (slope 1: no activation, 0: ReLU). Ioffe and Szegedy, "Batch normalization", 2015.
// x, y: [rows, C]; gamma, beta: [C]; moments: [2, C], means and variances. Where C is a multiple of 4, elem is
// vec4f and columns counts vectors.
// An invocation makes RUN numbers of one column, so that the column's numbers are loaded once for all of them;
// they lie `blocks` rows apart, so that neighboring invocations read neighboring numbers.
// Dispatch: ceil(blocks * columns / 256) workgroups, folded; blocks = ceil(rows / RUN).
//! use lib/fold.wgsl

override LEAKY: bool;

const RUN = 8u;
const WORKGROUP = 256u;
alias elem = f32;

struct Params { rows: u32, columns: u32, blocks: u32, epsilon: f32, slope: f32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read> gamma: array<elem>;
@group(0) @binding(2) var<storage, read> beta: array<elem>;
@group(0) @binding(3) var<storage, read> moments: array<elem>;
@group(0) @binding(4) var<storage, read_write> y: array<elem>;
@group(0) @binding(5) var<uniform> p: Params;

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
  let factor = gamma[column] * inverseSqrt(moments[p.columns + column] + p.epsilon);
  let shift = beta[column];
  for (var i = 0u; i < RUN; i++) { //! unroll
    let row = block + i * p.blocks;
    if (row < p.rows) {
      let at = row * p.columns + column;
      // The difference first: x factor + (shift - mean factor) would cancel where the mean is large.
      let z = (x[at] - mean) * factor + shift;
      y[at] = select(z, select(z, p.slope * z, z <= elem(0.0)), LEAKY);
    }
  }
}
