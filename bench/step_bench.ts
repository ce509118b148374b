/**
 * The training step of the reference CNN on a fixed batch, by both engines.
 *
 *     deno bench --allow-read bench/step_bench.ts
 */
import { backendOf, openCpu, tryWebGpu } from "./devices.ts";
import { createStep } from "./training_step.ts";

const webgpu = await tryWebGpu({});
const cpu = await openCpu();
if (typeof webgpu === "string") console.error(`WebGPU is left out: ${webgpu}`);

for (const batchSize of [16, 128]) {
  const group = `training step, ${batchSize} images`;
  for (const device of typeof webgpu === "string" ? [cpu] : [webgpu, cpu]) {
    const { trainer, batch } = await createStep(device, batchSize);
    trainer.run(batch);
    await trainer.losses();
    Deno.bench({ name: backendOf(device), group, n: 5, warmup: 1 }, async () => {
      trainer.run(batch);
      await trainer.losses();
    });
  }
}
