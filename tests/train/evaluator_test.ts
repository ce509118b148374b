/** Evaluation and prediction on both engines: each image once, views averaged, called off in between. */
import assert from "node:assert/strict";
import { REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import { evalBatches } from "../../src/data/batches/batches.ts";
import type { ImageStore } from "../../src/data/image_store.ts";
import type { Device } from "../../src/engine/device.ts";
import { initialValues, parameterLayout } from "../../src/nn/parameters.ts";
import { confidentMistakes } from "../../src/train/evaluation/metrics.ts";
import { Evaluator } from "../../src/train/evaluation/evaluator.ts";
import { Predictor } from "../../src/train/evaluation/predictor.ts";
import { Scorer } from "../../src/train/evaluation/scorer.ts";
import type { Evaluation } from "../../src/train/evaluation/tally.ts";
import { WasmDevice } from "../../src/wasm/device.ts";
import { testDevice } from "../support.ts";
import { tinyModel, waveImages } from "./support.ts";

const MODEL = tinyModel(24);
const PARAMETERS = initialValues(parameterLayout(MODEL.parameters), 4);
const STORE = waveImages(43, 2);
const OPTIONS = { store: STORE, augment: REFERENCE_AUGMENT, workers: 1 };

/** Both engines; the second is shared with other tests. */
async function devices(): Promise<readonly Device[]> {
  return [await WasmDevice.open({ threads: 2 }), await testDevice()];
}

async function evaluate(
  device: Device,
  batchSize: number,
  options: Partial<Parameters<Evaluator["run"]>[1]> = {},
): Promise<Evaluation> {
  using evaluator = await Evaluator.create(device, MODEL, batchSize);
  return await evaluator.run({ parameters: PARAMETERS }, { ...OPTIONS, ...options });
}

/** All numbers of two evaluations but for rounding; where both are sure, the same classes. */
function assertClose(found: Evaluation, expected: Evaluation): void {
  for (const name of ["loss", "precision", "precision5"] as const) {
    assert.ok(Math.abs(found[name]! - expected[name]!) < 1e-5, name);
  }
  assert.deepEqual(found.predicted, expected.predicted);
  assert.deepEqual(found.labels, expected.labels);
  found.confidence.forEach((share, i) => {
    assert.ok(Math.abs(share - expected.confidence[i]) < 1e-5, `confidence of image ${i}`);
  });
}

Deno.test("each image counts once, whatever the batch, on either engine", async () => {
  const [cpu, gpu] = await devices();
  const whole = await evaluate(cpu, 43);
  assert.equal(whole.images, 43);
  assert.deepEqual([...whole.labels], [...STORE.labels]);
  assert.equal(
    whole.correct,
    whole.labels.reduce((sum, label, i) => sum + (whole.predicted[i] === label ? 1 : 0), 0),
  );
  const seen: number[] = [];
  assertClose(await evaluate(cpu, 10, { onBatch: (images) => seen.push(images) }), whole);
  assert.deepEqual(seen, [10, 20, 30, 40, 43]);
  assertClose(await evaluate(gpu, 64), whole);
  cpu.destroy();
});

Deno.test("ten views are the mean of ten", async () => {
  const [cpu] = await devices();
  const predicted = await predict(cpu, STORE, 10);
  const found = await evaluate(cpu, 8, { views: 10 });
  assert.equal(found.images, 43);
  predicted.forEach((probabilities, i) => {
    assert.ok(Math.abs(found.confidence[i] - Math.max(...probabilities)) < 1e-6, `image ${i}`);
  });
  const single = await evaluate(cpu, 8);
  assert.notDeepEqual(found.confidence, single.confidence);
  cpu.destroy();
});

Deno.test("six views are the softmax of a weighted mean of logits: of the center, and of a pixel beside it", async () => {
  using cpu = await WasmDevice.open({ threads: 1 });
  const store = waveImages(3, 8);
  // Whole images: what is beyond their edges is mirrored.
  const model = tinyModel(32);
  const layout = parameterLayout(model.parameters);
  const parameters = initialValues(layout, 7).map((v) => 3 * v);
  const [mean, deviation] = [[100, 110, 120], [50, 60, 70]] as const;
  const augment = {
    ...REFERENCE_AUGMENT,
    crop: [32, 32],
    padMode: "reflect",
    normalization: { kind: "channel", mean, deviation },
  } as const;
  using predictor = await Predictor.create(cpu, model, {
    ...{ augment, format: store.format, views: 6, batchSize: 3 },
  });
  predictor.load({ parameters });
  const found = await predictor.predict([0, 1, 2].map((i) => store.pixels(i).slice()));

  const mirrored = (at: number) => at < 0 ? -at : at > 31 ? 62 - at : at;
  const view = (image: number, shift: number, flip: boolean) =>
    Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => {
      const [y, x, c] = [Math.floor(i / 96), Math.floor(i / 3) % 32, i % 3];
      const [row, column] = [mirrored(y + shift), mirrored((flip ? 31 - x : x) + shift)];
      return (store.pixels(image)[c * 1024 + row * 32 + column] - mean[c]) / deviation[c];
    });
  using scorer = await Scorer.create(cpu, model, 1);
  scorer.load({ parameters });
  for (let image = 0; image < 3; image++) {
    const logits = new Array<number>(10).fill(0);
    for (const [shift, weight] of [[0, 0.25], [-1, 0.125], [1, 0.125]]) {
      for (const flip of [false, true]) {
        const [scores] = await scorer.logits(view(image, shift, flip));
        scores.forEach((score, label) => logits[label] += weight * score);
      }
    }
    softmaxOf(logits).forEach((share, label) => {
      assert.ok(Math.abs(share - found[image][label]) < 1e-5, `image ${image}, class ${label}`);
    });
  }
});

async function predict(device: Device, store: ImageStore, views: 1 | 10): Promise<Float64Array[]> {
  const options = { augment: REFERENCE_AUGMENT, format: store.format, views, batchSize: 43 };
  using predictor = await Predictor.create(device, MODEL, options);
  predictor.load({ parameters: PARAMETERS });
  const images = Array.from({ length: store.count }, (_, i) => store.pixels(i).slice());
  return await predictor.predict(images);
}

Deno.test("prediction gives the evaluation's classes and probabilities", async () => {
  const [cpu, gpu] = await devices();
  for (const views of [1, 10] as const) {
    for (const device of [cpu, gpu]) {
      const expected = await evaluate(device, 16, { views });
      const found = await predict(device, STORE, views);
      assert.equal(found.length, 43);
      found.forEach((probabilities, i) => {
        const sum = probabilities.reduce((total, share) => total + share, 0);
        assert.ok(Math.abs(sum - 1) < 1e-12);
        const best = probabilities.indexOf(Math.max(...probabilities));
        assert.equal(best, expected.predicted[i]);
        assert.ok(Math.abs(probabilities[best] - expected.confidence[i]) < 1e-6);
      });
    }
  }
  cpu.destroy();
});

Deno.test("the views of an image of the crop's size are it and its mirror", async () => {
  using cpu = await WasmDevice.open({ threads: 1 });
  const size = { ...STORE.format, height: 24, width: 24 };
  const pixels = Uint8Array.from({ length: 3 * 24 * 24 }, (_, i) => (i * 37 + (i >> 3)) % 251);
  const mirror = pixels.map((_, i) => pixels[i - i % 24 + 23 - i % 24]);
  const of = async (image: Uint8Array, views: 1 | 10) => {
    const options = { augment: REFERENCE_AUGMENT, format: size, views, batchSize: 1 };
    using predictor = await Predictor.create(cpu, MODEL, options);
    predictor.load({ parameters: PARAMETERS });
    return (await predictor.predict([image]))[0];
  };
  const [ten, one, other] = [await of(pixels, 10), await of(pixels, 1), await of(mirror, 1)];
  assert.notDeepEqual(one, other);
  ten.forEach((share, label) => {
    assert.ok(Math.abs(share - (one[label] + other[label]) / 2) < 1e-12);
  });
});

/** exp(z) / sum in float64; the logits of these models are small. */
function softmaxOf(logits: ArrayLike<number>): number[] {
  const powers = Array.from(logits, Math.exp);
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

Deno.test("the probabilities of all images are kept where they are asked for: the softmax of the logits", async () => {
  using device = await WasmDevice.open({ threads: 1 });
  using scorer = await Scorer.create(device, MODEL, 10);
  scorer.load({ parameters: PARAMETERS });
  const expected: number[] = [];
  for await (const { images, count } of evalBatches({ ...OPTIONS, batchSize: 10 })) {
    const logits = await scorer.logits(images as Float32Array);
    for (const row of logits.slice(0, count)) expected.push(...softmaxOf(row));
  }
  assert.equal((await evaluate(device, 10)).probabilities, undefined);
  const { probabilities } = await evaluate(device, 10, { keepProbabilities: true });
  assert.ok(probabilities !== undefined);
  assert.equal(probabilities.length, 43 * 10);
  probabilities.forEach((share, i) => {
    assert.ok(Math.abs(share - expected[i]) <= 2 ** -23 * expected[i], `value ${i}`);
  });
  assert.ok(new Set(probabilities).size > 300, "the images differ");
});

Deno.test("of ten views the mean is kept, and NaN where a score is not finite", async () => {
  using device = await WasmDevice.open({ threads: 1 });
  const predicted = await predict(device, STORE, 10);
  const options = { views: 10, keepProbabilities: true } as const;
  const { probabilities = assert.fail() } = await evaluate(device, 43, options);
  predicted.flatMap((row) => [...row]).forEach((share, i) => {
    assert.ok(Math.abs(probabilities[i] - share) < 1e-6, `value ${i}`);
  });
  using evaluator = await Evaluator.create(device, MODEL, 43);
  const parameters = PARAMETERS.map(() => NaN);
  const nothing = await evaluator.run({ parameters }, { ...OPTIONS, keepProbabilities: true });
  assert.ok(nothing.probabilities?.every(Number.isNaN));
});

Deno.test("an evaluation that is called off ends between two batches with the signal's reason", async () => {
  using device = await WasmDevice.open({ threads: 1 });
  const controller = new AbortController();
  const seen: number[] = [];
  const reason = new Error("enough");
  const onBatch = (images: number) => {
    seen.push(images);
    if (images === 20) controller.abort(reason);
  };
  const { signal } = controller;
  using evaluator = await Evaluator.create(device, MODEL, 10);
  await assert.rejects(
    evaluator.run({ parameters: PARAMETERS }, { ...OPTIONS, signal, onBatch }),
    reason,
  );
  assert.deepEqual(seen, [10, 20]);
  await assert.rejects(
    evaluator.run({ parameters: PARAMETERS }, { ...OPTIONS, signal, onBatch }),
    reason,
  );
  assert.deepEqual(seen, [10, 20], "not even begun");
  const { images } = await evaluator.run({ parameters: PARAMETERS }, OPTIONS);
  assert.equal(images, 43, "the evaluator is still good");
});

Deno.test("mistakes name the images of the store", async () => {
  using device = await WasmDevice.open({ threads: 1 });
  const found = await evaluate(device, 7);
  const mistakes = confidentMistakes(found, 100);
  assert.equal(mistakes.length, found.images - found.correct);
  for (const { image, label, predicted } of mistakes) {
    assert.equal(STORE.labels[image], label);
    assert.notEqual(predicted, label);
  }
});

Deno.test("a predictor of gray images takes the luminance", async () => {
  using device = await WasmDevice.open({ threads: 1 });
  const format = { height: 24, width: 24, channels: 1, order: "CHW" } as const;
  const options = { augment: REFERENCE_AUGMENT, format, views: 1, batchSize: 2 } as const;
  using predictor = await Predictor.create(device, MODEL, options);
  predictor.load({ parameters: PARAMETERS });
  const pixels = 24 * 24;
  const color = Uint8Array.from({ length: 3 * pixels }, (_, i) => (i * 89) % 256);
  const gray = Uint8Array.from({ length: 3 * pixels }, (_, i) => {
    const [red, green, blue] = [0, 1, 2].map((c) => color[c * pixels + i % pixels]);
    return Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
  });
  const [first, second] = await predictor.predict([color, gray]);
  assert.deepEqual(first, second);
  await assert.rejects(predictor.predict([gray, gray, gray]), /expected at most 2, found 3/);
});
