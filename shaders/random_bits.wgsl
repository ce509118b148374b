// Random words: y[i] is word i % 4 of the block i / 4 of Threefry-4x32 with key (seed low, seed high, stream, 0) and
// counter (counter[0], layer, block, 0): number i of RandomStream(seed, stream).seek(counter[0], layer).
// counter: [1]; y: [length]. An invocation makes a block.
// Dispatch: ceil(length / 1024) workgroups, folded over x and y.
//! use lib/fold.wgsl

const WORKGROUP = 256u;

struct Params { length: u32, seed_low: u32, seed_high: u32, stream: u32, layer: u32 }

@group(0) @binding(0) var<storage, read> counter: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Params;

//! use lib/threefry.wgsl

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let block = folded(group, groups) * WORKGROUP + local;
  let key = vec4u(p.seed_low, p.seed_high, p.stream, 0u);
  let words = threefry4x32(key, vec4u(counter[0], p.layer, block, 0u));
  for (var i = 0u; i < 4u; i++) { //! unroll
    if (4u * block + i < p.length) { y[4u * block + i] = words[i]; }
  }
}
