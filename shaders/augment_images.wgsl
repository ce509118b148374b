// Augmented images y: [N, h, w, 3] of the bytes of a data set. An image's stages, each of its numbers from its
// row: crop (outside lies zero or the mirrored image), flip, saturation x' = gray + s (x - gray), hue (a rotation
// in HSV), then with m_c the channels' means, M their mean, f contrast and b brightness
//   per image    y = (f (x - m_c) + m_c - M) / max(std, 1 / sqrt(3 h w)), std^2 = f^2 var(x - m_c) + var(m_c)
//   per channel  y = (f (x - m_c) + m_c + b - mean_c) / deviation_c
// which is brightness, contrast and normalization in one, and cutout: zero in a square.
// block: bytes of images `first` to `first + images - 1` of `total`, image_words words each; ids: [N]; rows: [N].
// One workgroup an image; those whose image is in another block leave y to the launch for that block. An id that
// no block has gives NaN, so that it cannot train silently.
// Dispatch: N workgroups, folded, for each block.
//! use lib/fold.wgsl
//! use lib/augment_row.wgsl
//! use lib/color.wgsl

override COLOR: bool;
override REFLECT: bool;
override PER_CHANNEL: bool;

const WORKGROUP = 64u;

struct Params {
  batch: u32,
  first: u32,
  images: u32,
  total: u32,
  image_words: u32,
  crop_height: u32,
  crop_width: u32,
  height: i32,
  width: i32,
  row_stride: u32,
  column_stride: u32,
  channel_stride: u32,
  mean_r: f32,
  mean_g: f32,
  mean_b: f32,
  deviation_r: f32,
  deviation_g: f32,
  deviation_b: f32,
}

@group(0) @binding(0) var<storage, read> block: array<u32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> rows: array<Row>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

var<workgroup> partial: array<vec3f, WORKGROUP>;

// The sum of one value an invocation, in a fixed order, to all of them.
fn total(local: u32, value: vec3f) -> vec3f {
  partial[local] = value;
  for (var reach = WORKGROUP / 2u; reach > 0u; reach >>= 1u) {
    workgroupBarrier();
    if (local < reach) { partial[local] += partial[local + reach]; }
  }
  workgroupBarrier();
  let sum = partial[0];
  workgroupBarrier();
  return sum;
}

// Row and column of pixel i of the crop.
fn place_of(i: u32) -> vec2u {
  let row = i / p.crop_width;
  return vec2u(row, i - row * p.crop_width);
}

fn byte_at(start: u32, at: u32) -> f32 {
  return f32((block[start + at / 4u] >> (8u * (at % 4u))) & 255u);
}

// Red, green and blue of pixel i of the crop, flipped. The image starts at word `start`.
fn cropped(start: u32, row: Row, i: u32) -> vec3f {
  var offset = place_of(i);
  if (row.flip != 0.0) { offset.y = p.crop_width - 1u - offset.y; }
  let place = vec2i(i32(row.top), i32(row.left)) + vec2i(offset);
  let size = vec2i(p.height, p.width);
  var inside = vec2u(place);
  if (REFLECT) {
    inside = vec2u(mirrored(place.x, size.x), mirrored(place.y, size.y));
  } else if (any(place < vec2i(0)) || any(place >= size)) {
    return vec3f(0.0);
  }
  let at = inside.x * p.row_stride + inside.y * p.column_stride;
  return vec3f(
    byte_at(start, at),
    byte_at(start, at + p.channel_stride),
    byte_at(start, at + 2u * p.channel_stride),
  );
}

fn loaded(at: u32) -> vec3f {
  return vec3f(y[at], y[at + 1u], y[at + 2u]);
}

fn store(at: u32, v: vec3f) {
  y[at] = v.r;
  y[at + 1u] = v.g;
  y[at + 2u] = v.b;
}

// True in the square that is cut out.
fn is_cut(row: Row, i: u32) -> bool {
  let d = vec2f(place_of(i)) - vec2f(row.cutout_top, row.cutout_left);
  return all(d >= vec2f(0.0)) && all(d < vec2f(row.cutout_size));
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let position = folded(group, groups);
  if (position >= p.batch) { return; }
  let pixels = p.crop_height * p.crop_width;
  let to = 3u * position * pixels;
  let id = ids[position];
  if (id >= p.total) {
    // A constant NaN is no constant expression in WGSL; the bits of one are data.
    let invalid = bitcast<f32>(0x7fc00000u + select(0u, 1u, id == 0xffffffffu));
    for (var i = local; i < pixels; i += WORKGROUP) { store(to + 3u * i, vec3f(invalid)); }
    return;
  }
  // An id below `first` wraps around to a large number.
  if (id - p.first >= p.images) { return; }
  let start = (id - p.first) * p.image_words;
  let row = rows[position];
  // Values are taken relative to the gray of one of the pixels, rounded, so that what a flat image varies by
  // keeps its digits, also where little saturation is left.
  let center = cropped(start, row, (p.crop_height / 2u) * p.crop_width + p.crop_width / 2u);
  let level = round(gray(center));
  var sum = vec3f(0.0);
  for (var i = local; i < pixels; i += WORKGROUP) {
    var v = cropped(start, row, i) - level;
    if (COLOR) { v = turned(saturated(v, level, row.saturation), row.hue); }
    store(to + 3u * i, v);
    sum += v;
  }
  let mean = total(local, sum) / f32(pixels);
  var factor = vec3f(row.contrast);
  var offset = mean;
  if (PER_CHANNEL) {
    let scale = 1.0 / vec3f(p.deviation_r, p.deviation_g, p.deviation_b);
    factor *= scale;
    offset = (mean + (level + row.brightness - vec3f(p.mean_r, p.mean_g, p.mean_b))) * scale;
  } else {
    let count = 3.0 * f32(pixels);
    var squares = vec3f(0.0);
    for (var i = local; i < pixels; i += WORKGROUP) {
      let d = loaded(to + 3u * i) - mean;
      squares += d * d;
    }
    let within = dot(total(local, squares), vec3f(1.0)) / count;
    let between = mean - dot(mean, vec3f(1.0)) / 3.0;
    let variance = row.contrast * row.contrast * within + dot(between, between) / 3.0;
    let scale = 1.0 / max(sqrt(variance), 1.0 / sqrt(count));
    factor *= scale;
    offset = between * scale;
  }
  for (var i = local; i < pixels; i += WORKGROUP) {
    let v = (loaded(to + 3u * i) - mean) * factor + offset;
    store(to + 3u * i, select(v, vec3f(0.0), is_cut(row, i)));
  }
}
