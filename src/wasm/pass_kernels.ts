/** Interfaces of the kernels that pass over memory: all but matrix products and convolutions. */
export const PASS_KERNELS = {
  affine: {
    buffers: ["x", "y"],
    access: ["read", "read_write"],
    params: { length: "u32", factor: "f32", offset: "f32" },
  },
} as const;
