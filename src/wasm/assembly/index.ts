// Every kernel of the CPU engine. The contract of a kernel stands in ../kernels.ts.
export { augment_images, mix_images, subtract_mean_image } from "./augment";
export {
  batch_norm,
  batch_norm_grad_input,
  batch_norm_grad_sums,
  channel_merge,
  moments,
} from "./batch_norm";
export { conv2d_pack_filters } from "./conv_filters";
export { conv2d } from "./conv_forward";
export { winograd_filters, winograd_grad_weight_sum } from "./conv_winograd_filters";
export { winograd_conv2d } from "./conv_winograd_forward";
export { winograd_grad_weight } from "./conv_winograd_grad_weight";
export { conv2d_grad_weight, conv2d_grad_weight_sum } from "./conv_grad_weight";
export { affine, binary, unary } from "./elementwise";
export { matmul } from "./gemm";
export { im2col } from "./im2col";
export { copy_region, pad, permute } from "./layout";
export { local2d, local2d_grad_input, local2d_grad_weight } from "./local";
export { lrn, lrn_grad } from "./lrn";
export {
  avg_pool2d,
  avg_pool2d_grad,
  max_pool2d_argmax,
  max_pool2d_grad,
  max_pool2d_select,
} from "./pool";
export { dropout, random_bits } from "./random";
export { reduce } from "./reduce";
export { in_top_k, soft_cross_entropy, softmax } from "./softmax";
export { spatial_norm, spatial_norm_grad, spatial_norm_terms } from "./spatial_norm";
export { standardize } from "./standardize";
export { adamw_update, ema_update, momentum_update, record_row, sgd_update } from "./update";
