/**
 * The training step of the reference CNN on a fixed batch.
 *
 *     deno bench bench/step_bench.ts
 */
import { WebGpuDevice } from "../src/webgpu/device.ts";
import { createStep } from "./training_step.ts";

const device = await WebGpuDevice.open();

for (const batchSize of [16, 128]) {
  const { trainer, batch } = await createStep(device, batchSize);
  trainer.run(batch);
  await trainer.losses();
  Deno.bench({ name: `training step, ${batchSize} images`, n: 5, warmup: 1 }, async () => {
    trainer.run(batch);
    await trainer.losses();
  });
}
