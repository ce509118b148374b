// Images x, y: [N, h, w, 3], already cropped and mirrored, less the mean image of those that they were cut from:
//   y = x - mean[place of the pixel in the stored image]; x where that is outside of it, and in the cutout square.
// rows: [N], the crop, the flip and the square of each image; mean: [HEIGHT of p, WIDTH of p, 3].
// Dispatch: ceil(N h w / 256) workgroups, folded.
//! use lib/fold.wgsl
//! use lib/augment_row.wgsl

override REFLECT: bool;

const WORKGROUP = 256u;

struct Params { batch: u32, crop_height: u32, crop_width: u32, height: i32, width: i32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  let pixels = p.crop_height * p.crop_width;
  if (i >= p.batch * pixels) { return; }
  let image = i / pixels;
  let row = rows[image];
  let at = i - image * pixels;
  let pixel = vec2u(at / p.crop_width, at % p.crop_width);
  let offset = vec2f(pixel) - vec2f(row.cutout_top, row.cutout_left);
  let is_cut = all(offset >= vec2f(0.0)) && all(offset < vec2f(row.cutout_size));
  let across = select(pixel.y, p.crop_width - 1u - pixel.y, row.flip != 0.0);
  var place = vec2i(i32(row.top) + i32(pixel.x), i32(row.left) + i32(across));
  let size = vec2i(p.height, p.width);
  if (REFLECT) { place = vec2i(vec2u(mirrored(place.x, size.x), mirrored(place.y, size.y))); }
  var taken = vec3f(0.0);
  if (!is_cut && all(place >= vec2i(0)) && all(place < size)) {
    let start = 3 * (place.x * size.y + place.y);
    taken = vec3f(mean[start], mean[start + 1], mean[start + 2]);
  }
  for (var c = 0u; c < 3u; c++) { y[3u * i + c] = x[3u * i + c] - taken[c]; }
}
