/**
 * TensorFlow.js on the WebGPU adapter that kiln uses; prints one JSON line. `--variant stock`
 * takes its own gradients of convolution and normalization, half a minute a step on llvmpipe.
 *
 *     deno run --config bench/peers/deno.json --allow-env --allow-read bench/peers/tfjs_webgpu.ts
 */

import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
import { flags, measure } from "./common.ts";
import { TRAINED } from "./tfjs_nets.ts";

if (!await navigator.gpu.requestAdapter()) throw new Error("Cannot run without a WebGPU adapter");
if (!await tf.setBackend("webgpu")) {
  throw new Error("Cannot use the webgpu backend of tfjs");
}
await tf.ready();
const { net, batch, variant } = flags();
const stock = variant === "stock";
const way = stock ? "stock" : { filterGradient: "matmul", ownNorm: true } as const;
const { makeStep, noteOf } = TRAINED[net.name];
await measure(
  {
    peer: stock ? "TensorFlow.js webgpu, stock" : "TensorFlow.js webgpu",
    version: tf.version.tfjs,
    backend: tf.getBackend(),
    note: stock ? undefined : noteOf(way),
  },
  makeStep(batch, way),
);
Deno.exit(0); // its device would keep the process alive
