/**
 * jax-js on the WebGPU adapter that kiln uses (`--variant wasm`: its WebAssembly backend); prints
 * one JSON line. `--net` as in common.ts.
 *
 *     deno run --config bench/peers/deno.json --allow-env --allow-read bench/peers/jax_js.ts
 */

import * as jax from "npm:@jax-js/jax@0.1.25";
import { flags, measure } from "./common.ts";
import * as airbench94 from "./jax_airbench94.ts";
import * as reference from "./jax_reference.ts";
import * as resnet20 from "./jax_resnet20.ts";
import type { NetName } from "./nets/net.ts";

/** How a net is trained. */
interface Trained {
  readonly makeStep: (batch: number) => Promise<() => Promise<number>>;
  readonly NOTE: string;
}

const TRAINED: Readonly<Record<NetName, Trained>> = {
  reference,
  "resnet-20": resnet20,
  airbench94,
};

const { net, batch, variant } = flags();
const device: jax.Device = variant === "wasm" ? "wasm" : "webgpu";
if (!(await jax.init(device)).includes(device)) {
  throw new Error(`Cannot use ${device} of jax-js`);
}
jax.defaultDevice(device);
const { makeStep, NOTE } = TRAINED[net.name];
await measure(
  { peer: `jax-js ${device}`, version: "0.1.25", backend: device, note: NOTE },
  await makeStep(batch),
);
Deno.exit(0);
