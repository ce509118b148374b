// Made by `deno task gen` from shaders/*.wgsl. Do not edit.
// deno-fmt-ignore-file
import adamw_update from "../../shaders/adamw_update.wgsl" with { type: "text" };
import affine from "../../shaders/affine.wgsl" with { type: "text" };
import augment_images from "../../shaders/augment_images.wgsl" with { type: "text" };
import avg_pool2d from "../../shaders/avg_pool2d.wgsl" with { type: "text" };
import batch_norm from "../../shaders/batch_norm.wgsl" with { type: "text" };
import batch_norm_grad_input from "../../shaders/batch_norm_grad_input.wgsl" with { type: "text" };
import batch_norm_grad_sums from "../../shaders/batch_norm_grad_sums.wgsl" with { type: "text" };
import binary from "../../shaders/binary.wgsl" with { type: "text" };
import channel_merge from "../../shaders/channel_merge.wgsl" with { type: "text" };
import conv2d_flip_filters from "../../shaders/conv2d_flip_filters.wgsl" with { type: "text" };
import conv2d_grad_input_naive from "../../shaders/conv2d_grad_input_naive.wgsl" with { type: "text" };
import conv2d_grad_weight_naive from "../../shaders/conv2d_grad_weight_naive.wgsl" with { type: "text" };
import conv2d_grad_weight_register from "../../shaders/conv2d_grad_weight_register.wgsl" with { type: "text" };
import conv2d_grad_weight_subgroup from "../../shaders/conv2d_grad_weight_subgroup.wgsl" with { type: "text" };
import conv2d_grad_weight_tiled from "../../shaders/conv2d_grad_weight_tiled.wgsl" with { type: "text" };
import conv2d_naive from "../../shaders/conv2d_naive.wgsl" with { type: "text" };
import conv2d_register from "../../shaders/conv2d_register.wgsl" with { type: "text" };
import conv2d_subgroup from "../../shaders/conv2d_subgroup.wgsl" with { type: "text" };
import conv2d_tiled from "../../shaders/conv2d_tiled.wgsl" with { type: "text" };
import copy_region from "../../shaders/copy_region.wgsl" with { type: "text" };
import dropout from "../../shaders/dropout.wgsl" with { type: "text" };
import ema_update from "../../shaders/ema_update.wgsl" with { type: "text" };
import im2col from "../../shaders/im2col.wgsl" with { type: "text" };
import in_top_k from "../../shaders/in_top_k.wgsl" with { type: "text" };
import local2d_naive from "../../shaders/local2d_naive.wgsl" with { type: "text" };
import local2d_register from "../../shaders/local2d_register.wgsl" with { type: "text" };
import local2d_tiled from "../../shaders/local2d_tiled.wgsl" with { type: "text" };
import lrn from "../../shaders/lrn.wgsl" with { type: "text" };
import lrn_grad from "../../shaders/lrn_grad.wgsl" with { type: "text" };
import matmul_naive from "../../shaders/matmul_naive.wgsl" with { type: "text" };
import matmul_register from "../../shaders/matmul_register.wgsl" with { type: "text" };
import matmul_subgroup from "../../shaders/matmul_subgroup.wgsl" with { type: "text" };
import matmul_tiled from "../../shaders/matmul_tiled.wgsl" with { type: "text" };
import max_pool2d_argmax from "../../shaders/max_pool2d_argmax.wgsl" with { type: "text" };
import max_pool2d_grad from "../../shaders/max_pool2d_grad.wgsl" with { type: "text" };
import max_pool2d_select from "../../shaders/max_pool2d_select.wgsl" with { type: "text" };
import mix_images from "../../shaders/mix_images.wgsl" with { type: "text" };
import moments from "../../shaders/moments.wgsl" with { type: "text" };
import momentum_update from "../../shaders/momentum_update.wgsl" with { type: "text" };
import pad from "../../shaders/pad.wgsl" with { type: "text" };
import permute from "../../shaders/permute.wgsl" with { type: "text" };
import random_bits from "../../shaders/random_bits.wgsl" with { type: "text" };
import record_row from "../../shaders/record_row.wgsl" with { type: "text" };
import reduce from "../../shaders/reduce.wgsl" with { type: "text" };
import sgd_update from "../../shaders/sgd_update.wgsl" with { type: "text" };
import soft_cross_entropy from "../../shaders/soft_cross_entropy.wgsl" with { type: "text" };
import softmax from "../../shaders/softmax.wgsl" with { type: "text" };
import spatial_norm from "../../shaders/spatial_norm.wgsl" with { type: "text" };
import spatial_norm_grad from "../../shaders/spatial_norm_grad.wgsl" with { type: "text" };
import spatial_norm_terms from "../../shaders/spatial_norm_terms.wgsl" with { type: "text" };
import standardize from "../../shaders/standardize.wgsl" with { type: "text" };
import subtract_mean_image from "../../shaders/subtract_mean_image.wgsl" with { type: "text" };
import unary from "../../shaders/unary.wgsl" with { type: "text" };
import lib_activation from "../../shaders/lib/activation.wgsl" with { type: "text" };
import lib_augment_row from "../../shaders/lib/augment_row.wgsl" with { type: "text" };
import lib_color from "../../shaders/lib/color.wgsl" with { type: "text" };
import lib_fold from "../../shaders/lib/fold.wgsl" with { type: "text" };
import lib_lanes from "../../shaders/lib/lanes.wgsl" with { type: "text" };
import lib_local from "../../shaders/lib/local.wgsl" with { type: "text" };
import lib_lrn_power from "../../shaders/lib/lrn_power.wgsl" with { type: "text" };
import lib_nan from "../../shaders/lib/nan.wgsl" with { type: "text" };
import lib_normal from "../../shaders/lib/normal.wgsl" with { type: "text" };
import lib_spatial_scale from "../../shaders/lib/spatial_scale.wgsl" with { type: "text" };
import lib_threefry from "../../shaders/lib/threefry.wgsl" with { type: "text" };
import lib_tile from "../../shaders/lib/tile.wgsl" with { type: "text" };
import lib_window_sum from "../../shaders/lib/window_sum.wgsl" with { type: "text" };

/** Texts that shaders take in by `//! use lib/NAME.wgsl`. */
export const LIBRARIES: Readonly<Record<string, string>> = {
  "lib/activation.wgsl": lib_activation,
  "lib/augment_row.wgsl": lib_augment_row,
  "lib/color.wgsl": lib_color,
  "lib/fold.wgsl": lib_fold,
  "lib/lanes.wgsl": lib_lanes,
  "lib/local.wgsl": lib_local,
  "lib/lrn_power.wgsl": lib_lrn_power,
  "lib/nan.wgsl": lib_nan,
  "lib/normal.wgsl": lib_normal,
  "lib/spatial_scale.wgsl": lib_spatial_scale,
  "lib/threefry.wgsl": lib_threefry,
  "lib/tile.wgsl": lib_tile,
  "lib/window_sum.wgsl": lib_window_sum,
};

/** Every kernel: its source and its interface. */
export const KERNELS = {
  adamw_update: { "source": adamw_update, "buffers":["first","second","decay","rates","w"],"access":["read","read","read","read","read_write"],"overrides":{},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32"},"subgroups":false},
  affine: { "source": affine, "buffers":["x","y"],"access":["read","read_write"],"overrides":{},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32","factor":"f32","offset":"f32"},"subgroups":false},
  augment_images: { "source": augment_images, "buffers":["block","ids","rows","y"],"access":["read","read","read","read_write"],"overrides":{"COLOR":"bool","REFLECT":"bool","PER_CHANNEL":"bool"},"lines":{"WORKGROUP":64},"aliases":{},"params":{"batch":"u32","first":"u32","images":"u32","total":"u32","image_words":"u32","crop_height":"u32","crop_width":"u32","height":"i32","width":"i32","row_stride":"u32","column_stride":"u32","channel_stride":"u32","mean_r":"f32","mean_g":"f32","mean_b":"f32","deviation_r":"f32","deviation_g":"f32","deviation_b":"f32"},"subgroups":false},
  avg_pool2d: { "source": avg_pool2d, "buffers":["x","y"],"access":["read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32","GRADIENT":"bool"},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32","h":"u32","w":"u32","c":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":false},
  batch_norm: { "source": batch_norm, "buffers":["x","gamma","beta","moments","y"],"access":["read","read","read","read","read_write"],"overrides":{"LEAKY":"bool"},"lines":{"RUN":8,"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"rows":"u32","columns":"u32","blocks":"u32","epsilon":"f32","slope":"f32"},"subgroups":false},
  batch_norm_grad_input: { "source": batch_norm_grad_input, "buffers":["dy","x","gamma","beta","moments","sums","dx"],"access":["read","read","read","read","read","read","read_write"],"overrides":{"TRAINING":"bool","LEAKY":"bool"},"lines":{"RUN":8,"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"rows":"u32","columns":"u32","blocks":"u32","epsilon":"f32","slope":"f32"},"subgroups":false},
  batch_norm_grad_sums: { "source": batch_norm_grad_sums, "buffers":["dy","x","gamma","beta","moments","partial"],"access":["read","read","read","read","read","read_write"],"overrides":{"TREE":"bool","LEAKY":"bool"},"lines":{"WORKGROUP":64},"aliases":{"elem":"f32"},"params":{"rows":"u32","columns":"u32","span":"u32","epsilon":"f32","slope":"f32"},"subgroups":false},
  binary: { "source": binary, "buffers":["a","b","y"],"access":["read","read","read_write"],"overrides":{"FUNCTION":"u32","SAME":"bool"},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32","d1":"u32","d2":"u32","d3":"u32","a0":"u32","a1":"u32","a2":"u32","a3":"u32","b0":"u32","b1":"u32","b2":"u32","b3":"u32","factor":"f32"},"subgroups":false},
  channel_merge: { "source": channel_merge, "buffers":["partial","x","y"],"access":["read","read","read_write"],"overrides":{"MOMENTS":"bool"},"lines":{"ROWS":1,"COLUMNS":8},"aliases":{"elem":"f32"},"params":{"parts":"u32","columns":"u32","rows":"u32","span":"u32"},"subgroups":false},
  conv2d_flip_filters: { "source": conv2d_flip_filters, "buffers":["w","flipped"],"access":["read","read_write"],"overrides":{},"lines":{},"aliases":{},"params":{"taps":"u32","c":"u32","o":"u32"},"subgroups":false},
  conv2d_grad_input_naive: { "source": conv2d_grad_input_naive, "buffers":["dy","w","dx"],"access":["read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32"},"lines":{},"aliases":{},"params":{"n":"u32","h":"u32","w":"u32","c":"u32","o":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":false},
  conv2d_grad_weight_naive: { "source": conv2d_grad_weight_naive, "buffers":["x","dy","partial"],"access":["read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32"},"lines":{},"aliases":{},"params":{"n":"u32","h":"u32","w":"u32","c":"u32","o":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32","split_rows":"u32"},"subgroups":false},
  conv2d_grad_weight_register: { "source": conv2d_grad_weight_register, "buffers":["x","dy","partial"],"access":["read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32"},"lines":{"QUADS":2,"X_WIDTH":1,"DY_WIDTH":1},"aliases":{"x_elem":"f32","dy_elem":"f32"},"params":{"n":"u32","h":"u32","w":"u32","c":"u32","o":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32","split_rows":"u32"},"subgroups":false},
  conv2d_grad_weight_subgroup: { "source": conv2d_grad_weight_subgroup, "buffers":["x","dy","partial"],"access":["read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32"},"lines":{"OCTETS":4,"QUADS":1,"X_WIDTH":4},"aliases":{"x_elem":"vec4f"},"params":{"n":"u32","h":"u32","w":"u32","c":"u32","o":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32","split_rows":"u32"},"subgroups":true},
  conv2d_grad_weight_tiled: { "source": conv2d_grad_weight_tiled, "buffers":["x","dy","partial"],"access":["read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32"},"lines":{"DY_WIDTH":1,"SIDE":16,"ROW_QUADS":1,"COL_QUADS":1},"aliases":{"dy_elem":"f32"},"params":{"n":"u32","h":"u32","w":"u32","c":"u32","o":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32","split_rows":"u32"},"subgroups":false},
  conv2d_naive: { "source": conv2d_naive, "buffers":["x","w","bias","y"],"access":["read","read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32","HAS_BIAS":"bool","ACTIVATION":"u32"},"lines":{},"aliases":{},"params":{"n":"u32","h":"u32","w":"u32","c":"u32","o":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":false},
  conv2d_register: { "source": conv2d_register, "buffers":["x","w","bias","y"],"access":["read","read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32","HAS_BIAS":"bool","ACTIVATION":"u32"},"lines":{"QUADS":2,"X_WIDTH":1,"W_WIDTH":1},"aliases":{"x_elem":"f32","w_elem":"f32"},"params":{"n":"u32","h":"u32","w":"u32","c":"u32","o":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":false},
  conv2d_subgroup: { "source": conv2d_subgroup, "buffers":["x","w","bias","y"],"access":["read","read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32","HAS_BIAS":"bool","ACTIVATION":"u32"},"lines":{"OCTETS":3,"QUADS":1,"X_WIDTH":4},"aliases":{"x_elem":"vec4f"},"params":{"n":"u32","h":"u32","w":"u32","c":"u32","o":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":true},
  conv2d_tiled: { "source": conv2d_tiled, "buffers":["x","w","bias","y"],"access":["read","read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32","HAS_BIAS":"bool","ACTIVATION":"u32"},"lines":{"W_WIDTH":1,"SIDE":16,"ROW_QUADS":1,"COL_QUADS":1},"aliases":{"w_elem":"f32"},"params":{"n":"u32","h":"u32","w":"u32","c":"u32","o":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":false},
  copy_region: { "source": copy_region, "buffers":["x","y"],"access":["read","read_write"],"overrides":{},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"rows":"u32","x_width":"u32","y_width":"u32","y_start":"u32"},"subgroups":false},
  dropout: { "source": dropout, "buffers":["x","counter","y"],"access":["read","read","read_write"],"overrides":{},"lines":{"WORKGROUP":256},"aliases":{},"params":{"length":"u32","seed_low":"u32","seed_high":"u32","stream":"u32","layer":"u32","threshold":"u32","scale":"f32"},"subgroups":false},
  ema_update: { "source": ema_update, "buffers":["x","decay","shadow"],"access":["read","read","read_write"],"overrides":{},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32"},"subgroups":false},
  im2col: { "source": im2col, "buffers":["x","columns"],"access":["read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32"},"lines":{},"aliases":{},"params":{"n":"u32","h":"u32","w":"u32","c":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":false},
  in_top_k: { "source": in_top_k, "buffers":["logits","labels","y"],"access":["read","read","read_write"],"overrides":{},"lines":{"TERMS":4,"WORKGROUP":64},"aliases":{"elem":"f32"},"params":{"rows":"u32","classes":"u32","k":"u32"},"subgroups":false},
  local2d_naive: { "source": local2d_naive, "buffers":["a","b","bias","y"],"access":["read","read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32","PRODUCT":"u32","HAS_BIAS":"bool","ACTIVATION":"u32"},"lines":{},"aliases":{},"params":{"rows":"u32","depth":"u32","columns":"u32","h":"u32","w":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":false},
  local2d_register: { "source": local2d_register, "buffers":["a","b","bias","y"],"access":["read","read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32","PRODUCT":"u32","HAS_BIAS":"bool","ACTIVATION":"u32"},"lines":{"QUADS":2,"A_WIDTH":1,"B_WIDTH":1},"aliases":{"a_elem":"f32","b_elem":"f32"},"params":{"rows":"u32","depth":"u32","columns":"u32","h":"u32","w":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":false},
  local2d_tiled: { "source": local2d_tiled, "buffers":["a","b","bias","y"],"access":["read","read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32","PRODUCT":"u32","HAS_BIAS":"bool","ACTIVATION":"u32"},"lines":{"B_WIDTH":1,"SIDE":16,"ROW_QUADS":1,"COL_QUADS":1},"aliases":{"b_elem":"f32"},"params":{"rows":"u32","depth":"u32","columns":"u32","h":"u32","w":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":false},
  lrn: { "source": lrn, "buffers":["x","y"],"access":["read","read_write"],"overrides":{"BETA":"f32"},"lines":{"RUN":8,"WINDOW":9,"SPAN":16,"WORKGROUP":64},"aliases":{"elem":"f32"},"params":{"pixels":"u32","c":"u32","bias":"f32","alpha":"f32"},"subgroups":false},
  lrn_grad: { "source": lrn_grad, "buffers":["x","dy","dx"],"access":["read","read","read_write"],"overrides":{"BETA":"f32","MASK":"bool"},"lines":{"RUN":8,"WINDOW":9,"SPAN":16,"WIDE":24,"WORKGROUP":64},"aliases":{"elem":"f32"},"params":{"pixels":"u32","c":"u32","bias":"f32","alpha":"f32"},"subgroups":false},
  matmul_naive: { "source": matmul_naive, "buffers":["a","b","bias","y"],"access":["read","read","read","read_write"],"overrides":{"TRANSPOSE_A":"bool","HAS_BIAS":"bool","ACTIVATION":"u32"},"lines":{},"aliases":{},"params":{"m":"u32","n":"u32","k":"u32"},"subgroups":false},
  matmul_register: { "source": matmul_register, "buffers":["a","b","bias","y"],"access":["read","read","read","read_write"],"overrides":{"TRANSPOSE_A":"bool","HAS_BIAS":"bool","ACTIVATION":"u32"},"lines":{"QUADS":2,"A_WIDTH":1,"B_WIDTH":1},"aliases":{"a_elem":"f32","b_elem":"f32"},"params":{"m":"u32","n":"u32","k":"u32"},"subgroups":false},
  matmul_subgroup: { "source": matmul_subgroup, "buffers":["a","b","bias","y"],"access":["read","read","read","read_write"],"overrides":{"TRANSPOSE_A":"bool","HAS_BIAS":"bool","ACTIVATION":"u32"},"lines":{"OCTETS":4,"QUADS":1,"A_WIDTH":4},"aliases":{"a_elem":"vec4f"},"params":{"m":"u32","n":"u32","k":"u32"},"subgroups":true},
  matmul_tiled: { "source": matmul_tiled, "buffers":["a","b","bias","y"],"access":["read","read","read","read_write"],"overrides":{"TRANSPOSE_A":"bool","HAS_BIAS":"bool","ACTIVATION":"u32"},"lines":{"B_WIDTH":1,"SIDE":16,"ROW_QUADS":1,"COL_QUADS":1},"aliases":{"b_elem":"f32"},"params":{"m":"u32","n":"u32","k":"u32"},"subgroups":false},
  max_pool2d_argmax: { "source": max_pool2d_argmax, "buffers":["x","y"],"access":["read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32"},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32","place":"u32","truth":"bool"},"params":{"length":"u32","h":"u32","w":"u32","c":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":false},
  max_pool2d_grad: { "source": max_pool2d_grad, "buffers":["argmax","dy","pooled","dx"],"access":["read","read","read","read_write"],"overrides":{"KH":"u32","KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32","MASK":"bool"},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32","place":"u32"},"params":{"length":"u32","h":"u32","w":"u32","c":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":false},
  max_pool2d_select: { "source": max_pool2d_select, "buffers":["x","argmax","y"],"access":["read","read","read_write"],"overrides":{"KW":"u32","STRIDE_H":"u32","STRIDE_W":"u32"},"lines":{"WORKGROUP":256,"QUAD":1},"aliases":{"elem":"f32"},"params":{"length":"u32","h":"u32","w":"u32","c":"u32","oh":"u32","ow":"u32","pad_top":"u32","pad_left":"u32"},"subgroups":false},
  mix_images: { "source": mix_images, "buffers":["x","mix","y"],"access":["read","read","read_write"],"overrides":{},"lines":{"WORKGROUP":256},"aliases":{},"params":{"batch":"u32","height":"u32","width":"u32","channels":"u32"},"subgroups":false},
  moments: { "source": moments, "buffers":["x","partial"],"access":["read","read_write"],"overrides":{"TREE":"bool"},"lines":{"WORKGROUP":64},"aliases":{"elem":"f32"},"params":{"rows":"u32","columns":"u32","span":"u32"},"subgroups":false},
  momentum_update: { "source": momentum_update, "buffers":["g","momentum","velocity"],"access":["read","read","read_write"],"overrides":{},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32"},"subgroups":false},
  pad: { "source": pad, "buffers":["x","y"],"access":["read","read_write"],"overrides":{},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32","d1":"u32","d2":"u32","d3":"u32","x0":"i32","x1":"i32","x2":"i32","x3":"i32","b0":"i32","b1":"i32","b2":"i32","b3":"i32"},"subgroups":false},
  permute: { "source": permute, "buffers":["x","y"],"access":["read","read_write"],"overrides":{},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32","d1":"u32","d2":"u32","d3":"u32","s0":"u32","s1":"u32","s2":"u32","s3":"u32"},"subgroups":false},
  random_bits: { "source": random_bits, "buffers":["counter","y"],"access":["read","read_write"],"overrides":{},"lines":{"WORKGROUP":256},"aliases":{},"params":{"length":"u32","seed_low":"u32","seed_high":"u32","stream":"u32","layer":"u32"},"subgroups":false},
  record_row: { "source": record_row, "buffers":["x","row","history"],"access":["read","read","read_write"],"overrides":{},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32"},"subgroups":false},
  reduce: { "source": reduce, "buffers":["x","y"],"access":["read","read_write"],"overrides":{"FUNCTION":"u32"},"lines":{"WORKGROUP":64},"aliases":{"elem":"f32"},"params":{"outer":"u32","length":"u32","inner":"u32","splits":"u32","scale":"f32"},"subgroups":false},
  sgd_update: { "source": sgd_update, "buffers":["g","learning_rate","w"],"access":["read","read","read_write"],"overrides":{},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32"},"subgroups":false},
  soft_cross_entropy: { "source": soft_cross_entropy, "buffers":["logits","targets","dy","y"],"access":["read","read","read","read_write"],"overrides":{"OUTPUT":"u32"},"lines":{"TERMS":4,"WORKGROUP":64},"aliases":{"elem":"f32"},"params":{"rows":"u32","classes":"u32"},"subgroups":false},
  softmax: { "source": softmax, "buffers":["logits","labels","dy","y"],"access":["read","read","read","read_write"],"overrides":{"OUTPUT":"u32"},"lines":{"TERMS":4,"WORKGROUP":64},"aliases":{"elem":"f32"},"params":{"rows":"u32","classes":"u32"},"subgroups":false},
  spatial_norm: { "source": spatial_norm, "buffers":["x","y"],"access":["read","read_write"],"overrides":{"SIZE":"u32","BETA":"f32"},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32","h":"u32","w":"u32","c":"u32","alpha":"f32"},"subgroups":false},
  spatial_norm_grad: { "source": spatial_norm_grad, "buffers":["x","terms","dx"],"access":["read","read","read_write"],"overrides":{"SIZE":"u32","BETA":"f32","MASK":"bool"},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32","h":"u32","w":"u32","c":"u32","alpha":"f32"},"subgroups":false},
  spatial_norm_terms: { "source": spatial_norm_terms, "buffers":["x","dy","terms","dx"],"access":["read","read","read_write","read_write"],"overrides":{"SIZE":"u32","BETA":"f32"},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32","h":"u32","w":"u32","c":"u32","alpha":"f32"},"subgroups":false},
  standardize: { "source": standardize, "buffers":["x","y"],"access":["read","read_write"],"overrides":{},"lines":{"WORKGROUP":64},"aliases":{"elem":"f32"},"params":{"images":"u32","length":"u32"},"subgroups":false},
  subtract_mean_image: { "source": subtract_mean_image, "buffers":["x","rows","mean","y"],"access":["read","read","read","read_write"],"overrides":{"REFLECT":"bool"},"lines":{"WORKGROUP":256},"aliases":{},"params":{"batch":"u32","crop_height":"u32","crop_width":"u32","height":"i32","width":"i32"},"subgroups":false},
  unary: { "source": unary, "buffers":["x","y"],"access":["read","read_write"],"overrides":{"FUNCTION":"u32"},"lines":{"WORKGROUP":256},"aliases":{"elem":"f32"},"params":{"length":"u32","slope":"f32"},"subgroups":false},
} as const;
