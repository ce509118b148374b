// Mixup and cutmix of images x, y: [N, H, W, C], image i with its partner N - 1 - i:
//   y[i] = x[partner] in the box, else share x[i] + (1 - share) x[partner].
// mix: MIX of src/ops/augment_row.ts.
// Dispatch: ceil(N H W C / 256) workgroups, folded.
//! use lib/fold.wgsl

const WORKGROUP = 256u;

struct Params { batch: u32, height: u32, width: u32, channels: u32 }

struct Mix {
  share: f32,
  top: f32,
  left: f32,
  bottom: f32,
  right: f32,
  label_share: f32,
  unused_0: f32,
  unused_1: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> mix: array<Mix, 1>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  let length = p.height * p.width * p.channels;
  if (i >= p.batch * length) { return; }
  let image = i / length;
  let at = i - image * length;
  let own = x[i];
  let partner = x[(p.batch - 1u - image) * length + at];
  let m = mix[0];
  let pixel = at / p.channels;
  let row = pixel / p.width;
  let place = vec2f(f32(row), f32(pixel - row * p.width));
  let in_box = all(place >= vec2f(m.top, m.left)) && all(place < vec2f(m.bottom, m.right));
  y[i] = select(m.share * own + (1.0 - m.share) * partner, partner, in_box);
}
