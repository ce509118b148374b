/**
 * What a step costs JavaScript: uploading a small batch, encoding and submitting, on an idle device.
 * The device's own work is not timed.
 *
 *     deno bench bench/encode_bench.ts
 */
import { WebGpuDevice } from "../src/webgpu/device.ts";
import { smallStep } from "./training_step.ts";

const device = await WebGpuDevice.open();
const { trainer, batch } = await smallStep(device, 128);
const { dispatches } = trainer.plan.summary;

Deno.bench(
  { name: `encode and submit ${dispatches} dispatches`, n: 100, warmup: 20 },
  async (b) => {
    b.start();
    trainer.run(batch);
    b.end();
    await trainer.losses();
  },
);
