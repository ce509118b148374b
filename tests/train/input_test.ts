/** Host and device make the same images and train alike; mixed images have the loss of both labels. */
import assert from "node:assert/strict";
import { type AugmentSpec, REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import { BatchLoader } from "../../src/data/batches/batches.ts";
import { meanImage } from "../../src/data/mean_image.ts";
import type { ImageStore } from "../../src/data/image_store.ts";
import { MIX, MIX_LENGTH } from "../../src/ops/augment_row.ts";
import { compile } from "../../src/tensor/compile.ts";
import type { HostArray } from "../../src/tensor/tensor.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { chooseInput } from "../../src/train/choose_input.ts";
import { DeviceImages } from "../../src/train/device_images.ts";
import { DeviceFeed } from "../../src/train/feed.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { randomStore } from "../data/stores.ts";
import { testCpu, testDevice, testEngines } from "../support.ts";
import { tinyModel, waveImages } from "./support.ts";

const BATCH = 9;
const BATCHES = 4;
const DRAW = { seed: 4, shuffle: "epoch", batchSize: BATCH } as const;

const PIXEL = {
  normalization: { kind: "pixel", ...meanImage(waveImages(30, 6)) },
} as const;

const SPECS: Readonly<Record<string, AugmentSpec>> = {
  "the reference's": REFERENCE_AUGMENT,
  "every augmentation": {
    crop: [20, 24],
    pad: 5,
    padMode: "reflect",
    flipMode: "random",
    flip: true,
    saturation: 0.6,
    hue: 0.3,
    brightness: 30,
    contrast: 0.5,
    normalization: { kind: "channel", mean: [120, 115, 100], deviation: [60, 55, 70] },
    cutout: 7,
    mixup: 0.4,
    cutmix: 0,
  },
  "the mean image": { ...REFERENCE_AUGMENT, ...PIXEL, brightness: 0, contrast: 0 },
  "the mean image of padded images": { ...REFERENCE_AUGMENT, ...PIXEL, pad: 9, cutout: 7 },
  "the mean image of mirrored padding": {
    ...{ ...REFERENCE_AUGMENT, ...PIXEL },
    ...{ crop: [32, 32], pad: 9, padMode: "reflect", cutmix: 1 },
  },
  "cutmix of padded images": { ...REFERENCE_AUGMENT, crop: [32, 32], pad: 4, cutmix: 1 },
};

async function hostImages(store: ImageStore, augment: AugmentSpec): Promise<Float32Array[]> {
  await using loader = new BatchLoader({ store, augment, ...DRAW, workers: 1 });
  const images: Float32Array[] = [];
  for (let i = 0; i < BATCHES; i++) {
    using batch = await loader.next();
    images.push(batch.images.slice());
  }
  return images;
}

Deno.test("the device makes the host's images to 1e-5, whatever is done to them", async () => {
  const store = waveImages(30, 6);
  for (const [name, augment] of Object.entries(SPECS)) {
    const expected = await hostImages(store, augment);
    for (const { name: engine, device } of await testEngines()) {
      using state = new VariableState(device);
      // Seven images a block: a batch needs several.
      const images = new DeviceImages(store, augment, 7 * 3072);
      using plan = await compile(state, { outputs: { images: images.images(BATCH) } });
      const { count, format } = store;
      const feed = new DeviceFeed(store, { count, format, augment, ...DRAW });
      for (let i = 0; i < BATCHES; i++) {
        const { ids, rows, mix, labels, step } = feed.tryNext();
        assert.equal(step, i);
        assert.deepEqual([...labels], [...ids!].map((id) => store.labels[id]));
        const feeds: Record<string, HostArray> = { ids: ids!, rows: rows! };
        if (augment.mixup + augment.cutmix > 0) feeds.mix = mix!;
        plan.run(feeds);
        const made = await plan.read("images");
        assert.equal(made.length, expected[i].length);
        let error = 0;
        made.forEach((v, k) => error = Math.max(error, Math.abs(v - expected[i][k])));
        // Float32 has its values of up to 255 before the mean is taken off.
        const allowed = augment.normalization.kind === "pixel" ? 6e-5 : 1e-5;
        assert.ok(error <= allowed, `${engine}, ${name}, batch ${i}: error ${error}`);
      }
    }
  }
});

Deno.test("training with images of the device has the losses of training with the host's", async () => {
  const store = waveImages(40, 7);
  const augment = { ...REFERENCE_AUGMENT, mixup: 0.3 };
  const model = tinyModel(24);
  const recipe = { ...REFERENCE_RECIPE, batchSize: BATCH, seed: 4 };
  for (const { name, device } of await testEngines()) {
    const losses: number[][] = [];
    for (const input of ["host", "device"] as const) {
      using trainer = await Trainer.create(device, {
        model,
        recipe,
        trainingImages: store.count,
        input: {
          mixed: true,
          device: input === "device" ? new DeviceImages(store, augment, 7 * 3072) : undefined,
        },
      });
      const { count, format } = store;
      await using feed = input === "device"
        ? new DeviceFeed(store, { count, format, augment, ...DRAW })
        : new BatchLoader({ store, augment, ...DRAW, workers: 2 });
      for (let step = 0; step < 6; step++) {
        using batch = await feed.next();
        trainer.run(batch);
      }
      losses.push((await trainer.losses()).map(({ total }) => total));
    }
    losses[0].forEach((loss, step) => {
      const apart = Math.abs(loss - losses[1][step]);
      assert.ok(apart < 1e-4, `${name}, step ${step}: ${loss} and ${losses[1][step]}`);
    });
  }
});

Deno.test("the loss of mixed images is that of both labels, in shares", async () => {
  const batchSize = 4;
  const recipe = { ...REFERENCE_RECIPE, batchSize, learningRate: 1e-9, weightDecay: 0 };
  const images = Float32Array.from({ length: batchSize * 8 * 8 * 3 }, (_, i) => Math.sin(i));
  const labels = Uint32Array.of(1, 2, 3, 4);
  const reversed = Uint32Array.of(4, 3, 2, 1);
  const device = await testCpu();
  const loss = async (labels: Uint32Array, share?: number) => {
    using trainer = await Trainer.create(device, {
      model: tinyModel(8),
      recipe,
      trainingImages: 4,
      input: { mixed: share !== undefined },
    });
    const mix = new Float32Array(MIX_LENGTH);
    mix[MIX.labelShare] = share ?? 1;
    trainer.run({ images, labels, mix });
    return (await trainer.losses())[0].total;
  };
  const [own, partner] = [await loss(labels), await loss(reversed)];
  assert.ok(Math.abs(own - partner) > 1e-3, "the test needs labels that differ in their loss");
  assert.ok(Math.abs(await loss(labels, 0.25) - (0.25 * own + 0.75 * partner)) < 1e-6);
  assert.ok(Math.abs(await loss(labels, 1) - own) < 1e-6);
});

Deno.test("a batch that lacks what the step needs is refused", async () => {
  using trainer = await Trainer.create(await testCpu(), {
    model: tinyModel(8),
    recipe: { ...REFERENCE_RECIPE, batchSize: 2 },
    trainingImages: 2,
  });
  assert.throws(() => trainer.run({ labels: Uint32Array.of(1, 2) }), /the batch has no images/);
});

Deno.test("who makes the images is chosen by the device and the bytes of the data set", async () => {
  const store = randomStore(10, 1);
  const cpu = await testCpu();
  const auto = chooseInput("auto", cpu, store);
  assert.deepEqual(auto.input, "host");
  assert.match(auto.reason, /the same cores/);
  assert.equal(chooseInput("auto", await testDevice("software"), store).input, "host");
  const gpu = await testDevice("gpu");
  assert.equal(chooseInput("auto", gpu, store).input, "device");
  assert.equal(chooseInput("host", gpu, store).input, "host");
  assert.equal(chooseInput("device", cpu, store).input, "device");
  const large = { format: store.format, count: 400_000 } as ImageStore;
  assert.equal(chooseInput("auto", gpu, large).input, "host");
  const small = { ...cpu, maxBytes: 20_000, memory: { used: 0 }, target: cpu.target } as typeof cpu;
  assert.throws(() => chooseInput("device", small, store), /takes 30.7 kB|takes 30/);
});
