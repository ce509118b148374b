import { WINDOW_PARAMS } from "./pass_kernels.ts";

const IMAGE_PARAMS = {
  n: "u32",
  o: "u32",
  h: "u32",
  w: "u32",
  c: "u32",
  oh: "u32",
  ow: "u32",
  pad_top: "u32",
  pad_left: "u32",
} as const;

/** Interfaces of the matrix products and convolutions. */
export const GEMM_KERNELS = {
  matmul: {
    buffers: ["a", "b", "bias", "y"],
    access: ["read", "read", "read", "read_write"],
    params: {
      m: "u32",
      n: "u32",
      k: "u32",
      transpose_a: "u32",
      has_bias: "u32",
      relu: "u32",
      rows: "u32",
      columns: "u32",
      depth: "u32",
    },
  },
  conv2d_pack_filters: {
    buffers: ["w", "packed"],
    access: ["read", "read_write"],
    params: { kh: "u32", kw: "u32", c: "u32", o: "u32", channels: "u32", flip: "u32" },
  },
  conv2d: {
    buffers: ["x", "packed", "bias", "y"],
    access: ["read", "read", "read", "read_write"],
    params: {
      n: "u32",
      o: "u32",
      ...WINDOW_PARAMS,
      dilate_h: "u32",
      dilate_w: "u32",
      images: "u32",
      bands: "u32",
      band_rows: "u32",
      channels: "u32",
      filter_rows: "u32",
      has_bias: "u32",
      relu: "u32",
    },
  },
  conv2d_grad_weight: {
    buffers: ["x", "dy", "partial"],
    access: ["read", "read", "read_write"],
    params: {
      n: "u32",
      o: "u32",
      ...WINDOW_PARAMS,
      part_images: "u32",
      images: "u32",
      band_rows: "u32",
      channels: "u32",
      group_panels: "u32",
    },
  },
  conv2d_grad_weight_sum: {
    buffers: ["partial", "dw"],
    access: ["read", "read_write"],
    params: { parts: "u32", taps: "u32", c: "u32", o: "u32", channels: "u32" },
  },
  local2d: {
    buffers: ["x", "w", "bias", "y"],
    access: ["read", "read", "read", "read_write"],
    params: { n: "u32", o: "u32", ...WINDOW_PARAMS, has_bias: "u32", relu: "u32", depth: "u32" },
  },
  local2d_grad_input: {
    buffers: ["dy", "w", "dx"],
    access: ["read", "read", "read_write"],
    params: { n: "u32", o: "u32", ...WINDOW_PARAMS, depth: "u32" },
  },
  local2d_grad_weight: {
    buffers: ["x", "dy", "dw"],
    access: ["read", "read", "read_write"],
    params: { n: "u32", o: "u32", ...WINDOW_PARAMS, images: "u32" },
  },
  winograd_filters: {
    buffers: ["w", "u"],
    access: ["read", "read_write"],
    params: { taps: "u32", c: "u32", o: "u32", flip: "u32" },
  },
  winograd_conv2d: {
    buffers: ["x", "u", "bias", "y"],
    access: ["read", "read", "read", "read_write"],
    params: {
      ...IMAGE_PARAMS,
      taps: "u32",
      unit_tiles: "u32",
      group_panels: "u32",
      dilate_h: "u32",
      dilate_w: "u32",
      has_bias: "u32",
      relu: "u32",
    },
  },
  winograd_grad_weight: {
    buffers: ["x", "dy", "partial"],
    access: ["read", "read", "read_write"],
    params: {
      ...IMAGE_PARAMS,
      taps: "u32",
      part_tiles: "u32",
      unit_tiles: "u32",
      channels: "u32",
      group_panels: "u32",
    },
  },
  winograd_grad_weight_sum: {
    buffers: ["partial", "dw"],
    access: ["read", "read_write"],
    params: {
      taps: "u32",
      parts: "u32",
      c: "u32",
      o: "u32",
      channels: "u32",
      group_panels: "u32",
    },
  },
} as const;
