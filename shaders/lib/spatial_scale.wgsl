// Of spatial_norm.wgsl and the first pass of its gradient, beside lib/window_sum.wgsl.

// 1 + p.alpha * (sum of squares over the window of element i).
fn scale_of(i: u32) -> elem {
  let start = image_start(i);
  let window = window_of(i / p.c, SIZE / 2u);
  var sum = elem(0.0);
  for (var h = window.x; h < window.y; h++) {
    for (var w = window.z; w < window.w; w++) {
      let v = x[start + (h * p.w + w) * p.c];
      sum += v * v;
    }
  }
  return 1.0 + p.alpha * sum;
}
