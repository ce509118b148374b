/**
 * kiln's own training step as `bench/peers/` measures it: the same net, numbers and batch as the
 * peers, so that equal losses prove equal work. Prints one JSON line, a `PeerResult`.
 *
 *     deno run --allow-read=src bench/step.ts --device cpu
 *
 * `--device auto|gpu|software|webgpu|cpu` (webgpu: a GPU if there is one, else a software adapter),
 * `--threads` of the CPU engine (more than one need `--allow-read`), `--net reference|resnet-20|airbench94`,
 * `--batch` (the net's own), `--steps 5` (after the first), `--seconds 60` (the most that those may take).
 * `--input` makes a new batch for each step, as training does: decoded, augmented, shuffled; of random
 * images, so that no data set is needed and the losses are others than the peers'.
 */
import { BatchLoader, defaultWorkers } from "../src/data/batches/batches.ts";
import { VERSION } from "../src/util/version.ts";
import { backendOf, type DeviceSettings, open } from "./devices.ts";
import { kilnNet } from "./kiln_nets.ts";
import { flags, measure } from "./peers/common.ts";
import type { Net } from "./peers/nets/net.ts";
import { initial } from "./peers/nets/nets.ts";
import { randomImages } from "./random_images.ts";
import { createStep, type TrainingStep } from "./training_step.ts";

type Choice = DeviceSettings["device"];
const CHOICES: readonly Choice[] = ["auto", "gpu", "software", "webgpu", "cpu"];
/** Random images: more than fit in a processor's caches. */
const IMAGES = 10_000;
/** Batches kept ready, as `train` keeps them by default. */
const SLOTS = 12;
const NOTE = "weight decay in the loss; the weight average, which no peer keeps, is on";
const INPUT_NOTE = "makes each step's batch too, of random images: its losses are its own";

/** Writes the peers' initial parameters, and the averages that start as copies of them. */
function usePeerParameters({ trainer }: TrainingStep, net: Net): void {
  const { layout, parameters, averages } = trainer.variables;
  const block = new Float32Array(layout.size);
  layout.specs.forEach(({ name }, i) => block.set(initial(net, name), layout.offsets[i]));
  trainer.state.write(parameters, block);
  trainer.state.write(averages, block);
}

function deviceChoice(text: string): Choice {
  const choice = CHOICES.find((choice) => choice === text);
  if (choice !== undefined) return choice;
  throw new RangeError(`Cannot use --device ${text} as it must be one of ${CHOICES.join(", ")}`);
}

async function run(): Promise<void> {
  const { net, batch: batchSize, device: choice, threads, input } = flags();
  using opened = await open({ device: deviceChoice(choice), threads });
  const { device } = opened;
  await using loader = input
    ? new BatchLoader({
      store: randomImages(IMAGES),
      augment: kilnNet(net).augment,
      batchSize,
      seed: 0,
      workers: defaultWorkers(),
      slots: SLOTS,
    })
    : undefined;
  using step = await createStep(device, batchSize, net);
  usePeerParameters(step, net);
  const { trainer } = step;
  const about = {
    peer: `kiln ${device.target.engine === "wasm" ? "cpu" : "webgpu"}${input ? ", input" : ""}`,
    version: VERSION,
    backend: backendOf(device),
    note: input ? `${NOTE}; ${INPUT_NOTE}` : NOTE,
  };
  await measure(about, async () => {
    if (loader === undefined) trainer.run(step.batch);
    else {
      using batch = loader.tryNext() ?? await loader.next();
      trainer.run(batch);
    }
    return (await trainer.losses())[0].total;
  });
}

if (import.meta.main) await run();
