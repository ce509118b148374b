/**
 * How the gradient of the filters is taken: `conv`: a convolution of the input with dy, batch and
 * channels exchanged; `matmul`: im2col and a matrix product for every 16th of the rows.
 */
export type FilterGradient = "conv" | "matmul";

/** "stock", or which of the ops are rewritten and how. */
export type Way = "stock" | {
  filterGradient: FilterGradient;
  ownNorm: boolean;
};
