/** The params that all window kernels share, in the order of assembly/window.ts. */
export const WINDOW_PARAMS = {
  h: "u32",
  w: "u32",
  c: "u32",
  oh: "u32",
  ow: "u32",
  pad_top: "u32",
  pad_left: "u32",
  kh: "u32",
  kw: "u32",
  stride_h: "u32",
  stride_w: "u32",
} as const;

/** The params of the kernels that pass over parts of the rows of a table, in the order of assembly/batch_norm.ts. */
const ROW_PARAMS = { rows: "u32", c: "u32", part: "u32" } as const;

/** The params that all kernels of random numbers share, in the order of assembly/random.ts. */
const RANDOM_PARAMS = {
  length: "u32",
  seed_low: "u32",
  seed_high: "u32",
  stream: "u32",
  layer: "u32",
} as const;

/** The params of the kernels of spatial normalization, in the order of assembly/spatial_norm.ts. */
const SPATIAL_PARAMS = {
  h: "u32",
  w: "u32",
  c: "u32",
  size: "u32",
  alpha: "f32",
  beta: "f32",
} as const;

const ONE_TO_ONE = { buffers: ["x", "y"], access: ["read", "read_write"] } as const;

/** Interfaces of the kernels that pass over memory: all but matrix products and convolutions. */
export const PASS_KERNELS = {
  affine: { ...ONE_TO_ONE, params: { length: "u32", factor: "f32", offset: "f32" } },
  unary: { ...ONE_TO_ONE, params: { length: "u32", function: "u32", slope: "f32" } },
  binary: {
    buffers: ["a", "b", "y"],
    access: ["read", "read", "read_write"],
    params: {
      function: "u32",
      same: "u32",
      factor: "f32",
      length: "u32",
      d1: "u32",
      d2: "u32",
      d3: "u32",
      a0: "u32",
      a1: "u32",
      a2: "u32",
      a3: "u32",
      b0: "u32",
      b1: "u32",
      b2: "u32",
      b3: "u32",
    },
  },
  reduce: {
    ...ONE_TO_ONE,
    params: {
      outer: "u32",
      length: "u32",
      inner: "u32",
      part: "u32",
      square: "u32",
      scale: "f32",
    },
  },
  permute: {
    ...ONE_TO_ONE,
    params: {
      rows: "u32",
      d1: "u32",
      d2: "u32",
      d3: "u32",
      s0: "u32",
      s1: "u32",
      s2: "u32",
      s3: "u32",
    },
  },
  pad: {
    ...ONE_TO_ONE,
    params: {
      rows: "u32",
      d1: "u32",
      d2: "u32",
      d3: "u32",
      x0: "i32",
      x1: "i32",
      x2: "i32",
      x3: "i32",
      b0: "i32",
      b1: "i32",
      b2: "i32",
      b3: "i32",
    },
  },
  copy_region: { ...ONE_TO_ONE, params: { x_width: "u32", y_width: "u32", y_start: "u32" } },
  softmax: {
    buffers: ["logits", "labels", "dy", "y"],
    access: ["read", "read", "read", "read_write"],
    params: { rows: "u32", classes: "u32", output: "u32" },
  },
  soft_cross_entropy: {
    buffers: ["logits", "targets", "dy", "y"],
    access: ["read", "read", "read", "read_write"],
    params: { rows: "u32", classes: "u32", output: "u32" },
  },
  in_top_k: {
    buffers: ["logits", "labels", "y"],
    access: ["read", "read", "read_write"],
    params: { rows: "u32", classes: "u32", k: "u32" },
  },
  standardize: { ...ONE_TO_ONE, params: { length: "u32" } },
  augment_images: {
    buffers: ["block", "ids", "rows", "y"],
    access: ["read", "read", "read", "read_write"],
    params: {
      first: "u32",
      images: "u32",
      total: "u32",
      image_words: "u32",
      crop_height: "u32",
      crop_width: "u32",
      height: "i32",
      width: "i32",
      row_stride: "u32",
      column_stride: "u32",
      channel_stride: "u32",
      color: "u32",
      reflect: "u32",
      per_channel: "u32",
      mean_r: "f32",
      mean_g: "f32",
      mean_b: "f32",
      deviation_r: "f32",
      deviation_g: "f32",
      deviation_b: "f32",
    },
  },
  subtract_mean_image: {
    buffers: ["x", "rows", "mean", "y"],
    access: ["read", "read", "read", "read_write"],
    params: {
      batch: "u32",
      crop_height: "i32",
      crop_width: "i32",
      height: "i32",
      width: "i32",
      reflect: "u32",
    },
  },
  mix_images: {
    buffers: ["x", "mix", "y"],
    access: ["read", "read", "read_write"],
    params: { batch: "u32", height: "u32", width: "u32", channels: "u32" },
  },
  lrn: {
    ...ONE_TO_ONE,
    params: { pixels: "u32", c: "u32", bias: "f32", alpha: "f32", beta: "f32", radius: "u32" },
  },
  lrn_grad: {
    buffers: ["x", "dy", "dx"],
    access: ["read", "read", "read_write"],
    params: {
      pixels: "u32",
      c: "u32",
      bias: "f32",
      alpha: "f32",
      beta: "f32",
      radius: "u32",
      mask: "u32",
    },
  },
  random_bits: {
    buffers: ["counter", "y"],
    access: ["read", "read_write"],
    params: RANDOM_PARAMS,
  },
  dropout: {
    buffers: ["x", "counter", "y"],
    access: ["read", "read", "read_write"],
    params: { ...RANDOM_PARAMS, threshold: "u32", scale: "f32" },
  },
  moments: { buffers: ["x", "partial"], access: ["read", "read_write"], params: ROW_PARAMS },
  channel_merge: {
    buffers: ["partial", "x", "y"],
    access: ["read", "read", "read_write"],
    params: { ...ROW_PARAMS, moments: "u32" },
  },
  batch_norm: {
    buffers: ["x", "gamma", "beta", "moments", "y"],
    access: ["read", "read", "read", "read", "read_write"],
    params: { ...ROW_PARAMS, epsilon: "f32", slope: "f32" },
  },
  batch_norm_grad_sums: {
    buffers: ["dy", "x", "gamma", "beta", "moments", "partial"],
    access: ["read", "read", "read", "read", "read", "read_write"],
    params: { ...ROW_PARAMS, epsilon: "f32", slope: "f32" },
  },
  batch_norm_grad_input: {
    buffers: ["dy", "x", "gamma", "beta", "moments", "sums", "dx"],
    access: ["read", "read", "read", "read", "read", "read", "read_write"],
    params: { ...ROW_PARAMS, epsilon: "f32", slope: "f32", training: "u32" },
  },
  im2col: { buffers: ["x", "columns"], access: ["read", "read_write"], params: WINDOW_PARAMS },
  max_pool2d_argmax: { ...ONE_TO_ONE, params: WINDOW_PARAMS },
  max_pool2d_select: {
    buffers: ["x", "argmax", "y"],
    access: ["read", "read", "read_write"],
    params: WINDOW_PARAMS,
  },
  max_pool2d_grad: {
    buffers: ["argmax", "dy", "pooled", "dx"],
    access: ["read", "read", "read", "read_write"],
    params: { ...WINDOW_PARAMS, mask: "u32" },
  },
  spatial_norm: { ...ONE_TO_ONE, params: SPATIAL_PARAMS },
  spatial_norm_terms: {
    buffers: ["x", "dy", "terms", "dx"],
    access: ["read", "read", "read_write", "read_write"],
    params: SPATIAL_PARAMS,
  },
  spatial_norm_grad: {
    buffers: ["x", "terms", "dx"],
    access: ["read", "read", "read_write"],
    params: { ...SPATIAL_PARAMS, mask: "u32" },
  },
  avg_pool2d: { ...ONE_TO_ONE, params: WINDOW_PARAMS },
  avg_pool2d_grad: { ...ONE_TO_ONE, params: WINDOW_PARAMS },
  sgd_update: {
    buffers: ["g", "learning_rate", "w"],
    access: ["read", "read", "read_write"],
    params: { length: "u32" },
  },
  momentum_update: {
    buffers: ["g", "momentum", "velocity"],
    access: ["read", "read", "read_write"],
    params: { length: "u32" },
  },
  ema_update: {
    buffers: ["x", "decay", "shadow"],
    access: ["read", "read", "read_write"],
    params: { length: "u32" },
  },
  adamw_update: {
    buffers: ["first", "second", "decay", "rates", "w"],
    access: ["read", "read", "read", "read", "read_write"],
    params: { length: "u32" },
  },
  record_row: {
    buffers: ["x", "row", "history"],
    access: ["read", "read", "read_write"],
    params: { length: "u32" },
  },
} as const;
