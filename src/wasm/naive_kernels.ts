import { WINDOW_PARAMS } from "./pass_kernels.ts";

/** Interfaces of the plain matrix products and convolutions, version 1 and oracle of the fast ones. */
export const NAIVE_KERNELS = {
  matmul_naive: {
    buffers: ["a", "b", "bias", "y"],
    access: ["read", "read", "read", "read_write"],
    params: {
      m: "u32",
      n: "u32",
      k: "u32",
      transpose_a: "u32",
      has_bias: "u32",
      activation: "u32",
    },
  },
  conv2d_naive: {
    buffers: ["x", "w", "bias", "y"],
    access: ["read", "read", "read", "read_write"],
    params: { ...WINDOW_PARAMS, o: "u32", has_bias: "u32", activation: "u32" },
  },
  conv2d_grad_input_naive: {
    buffers: ["dy", "w", "dx"],
    access: ["read", "read", "read_write"],
    params: { ...WINDOW_PARAMS, o: "u32" },
  },
  conv2d_grad_weight_naive: {
    buffers: ["x", "dy", "dw"],
    access: ["read", "read", "read_write"],
    params: { ...WINDOW_PARAMS, n: "u32", o: "u32" },
  },
  im2col: { buffers: ["x", "columns"], access: ["read", "read_write"], params: WINDOW_PARAMS },
} as const;
