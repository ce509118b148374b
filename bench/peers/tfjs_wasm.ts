/**
 * TensorFlow.js on its WebAssembly backend, with SIMD and threads; prints one JSON line.
 *
 *     deno run --config bench/peers/deno.json --allow-env --allow-read bench/peers/tfjs_wasm.ts
 */

import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import { getThreadsCount, setThreadsCount } from "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import { flags, measure } from "./common.ts";
import { TRAINED } from "./tfjs_nets.ts";
import { shimWorker } from "./tfjs_wasm_threads.ts";

const { net, batch, threads } = flags();
await shimWorker();
tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", true); // not detected, as it takes Deno for Node
setThreadsCount(threads);
if (!await tf.setBackend("wasm")) {
  throw new Error("Cannot use the wasm backend of tfjs");
}
await tf.ready();
const way = { filterGradient: "conv", ownNorm: false } as const;
const { makeStep, noteOf } = TRAINED[net.name];
await measure(
  {
    peer: "TensorFlow.js wasm",
    version: tf.version.tfjs,
    backend: `${tf.getBackend()}, SIMD, ${getThreadsCount()} threads`,
    note: noteOf(way),
  },
  makeStep(batch, way),
);
Deno.exit(0); // its threads would keep the process alive
