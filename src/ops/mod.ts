/** Every op of kiln. */
export * from "./adamw.ts";
export * from "./augment.ts";
export * from "./batch_norm.ts";
export * from "./conv.ts";
export * from "./dropout.ts";
export * from "./elementwise.ts";
export * from "./grad.ts";
export * from "./layout.ts";
export * from "./local.ts";
export * from "./lrn.ts";
export * from "./matmul.ts";
export * from "./norm.ts";
export * from "./pool.ts";
export * from "./reduce.ts";
export * from "./soft_cross_entropy.ts";
export { inTopK, softmax, softmaxCrossEntropy } from "./softmax.ts";
export * from "./update.ts";
export type { WindowAttributes } from "./window.ts";
