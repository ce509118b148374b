// Inverted dropout (Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014):
// y[i] = scale x[i] where the upper 24 bits of random word i (see random_bits.wgsl) are at least `threshold`, else 0.
// The gradient is the same of dy: the mask is made again, not kept.
// x, y: [length]; counter: [1]. An invocation makes the four numbers of a block: making random words costs more than
// moving numbers, and any length is taken. Dispatch: ceil(length / 1024) workgroups, folded over x and y.
//! use lib/fold.wgsl

const WORKGROUP = 256u;

struct Params {
  length: u32, seed_low: u32, seed_high: u32, stream: u32, layer: u32, threshold: u32, scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> counter: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

//! use lib/threefry.wgsl

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let block = folded(group, groups) * WORKGROUP + local;
  if (4u * block >= p.length) { return; }
  let key = vec4u(p.seed_low, p.seed_high, p.stream, 0u);
  let words = threefry4x32(key, vec4u(counter[0], p.layer, block, 0u));
  let stays = (words >> vec4u(8u)) >= vec4u(p.threshold);
  for (var i = 0u; i < 4u; i++) { //! unroll
    let at = 4u * block + i;
    if (at < p.length) { y[at] = select(0.0, p.scale * x[at], stays[i]); }
  }
}
