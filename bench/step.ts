/**
 * kiln's own training step as `bench/peers/` measures it: the same net, numbers and batch as the
 * peers, so that equal losses prove equal work. Prints one JSON line, a `PeerResult`.
 *
 *     deno run --allow-env=KILN_DEBUG,KILN_ADAPTER,NO_COLOR,XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND bench/step.ts
 *
 * `--batch 128`, `--steps 5` (after the first), `--seconds 60` (the most that those may take).
 */
import { WebGpuDevice } from "../src/webgpu/device.ts";
import { VERSION } from "../src/util/version.ts";
import { flags, initial, measure, PARAMETER_NAMES } from "./peers/common.ts";
import { createStep, type TrainingStep } from "./training_step.ts";

/** Writes the peers' initial parameters, and the averages that start as copies of them. */
function usePeerParameters({ trainer }: TrainingStep): void {
  const { layout, parameters, averages } = trainer.variables;
  const block = new Float32Array(layout.size);
  for (const name of PARAMETER_NAMES) {
    const index = layout.specs.findIndex((spec) => spec.name === name);
    block.set(initial(name), layout.offsets[index]);
  }
  trainer.state.write(parameters, block);
  trainer.state.write(averages, block);
}

if (import.meta.main) {
  using device = await WebGpuDevice.open();
  using step = await createStep(device, flags().batch);
  usePeerParameters(step);
  const { trainer, batch } = step;
  await measure(
    {
      peer: "kiln",
      version: VERSION,
      backend: `webgpu, ${device.kind}`,
      note: "plain SGD with weight decay; the weight average, which no peer keeps, is on",
    },
    async () => {
      trainer.run(batch);
      return (await trainer.losses())[0].total;
    },
  );
}
