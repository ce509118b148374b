/** Interfaces of the matrix products and convolutions. */
export const GEMM_KERNELS = {} as const;
