// Per-image standardization: y = (x - mean) / max(std, 1 / sqrt(L)) over all L = H W C values of an image,
// std the population's (TensorFlow's per_image_standardization). x, y: [N, L].
// One workgroup an image; two passes, because E[x^2] - mean^2 cancels in float32.
// Dispatch: N workgroups, folded.
//! use lib/fold.wgsl

const WORKGROUP = 64u;
alias elem = f32;

struct Params { images: u32, length: u32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<elem>;
@group(0) @binding(2) var<uniform> p: Params;

var<workgroup> partial: array<f32, WORKGROUP>;

// The sum of one value an invocation, in a fixed order, to all of them.
fn total(local: u32, value: f32) -> f32 {
  partial[local] = value;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < WORKGROUP; i++) { sum += partial[i]; }
  workgroupBarrier();
  return sum;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let image = folded(group, groups);
  // An image beyond the last repeats the last, so that every invocation meets the barriers.
  let start = min(image, p.images - 1u) * p.length;
  let count = f32(p.length);
  var sum = 0.0;
  for (var i = local; i < p.length; i += WORKGROUP) { sum += f32(x[start + i]); }
  let mean = total(local, sum) / count;
  var squares = 0.0;
  for (var i = local; i < p.length; i += WORKGROUP) {
    let d = f32(x[start + i]) - mean;
    squares += d * d;
  }
  let deviation = sqrt(total(local, squares) / count);
  let scale = 1.0 / max(deviation, 1.0 / sqrt(count));
  if (image >= p.images) { return; }
  for (var i = local; i < p.length; i += WORKGROUP) {
    y[start + i] = elem((f32(x[start + i]) - mean) * scale);
  }
}
