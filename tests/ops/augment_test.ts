/** Augmentation on the device: images that look like photographs against a second definition, in float64. */
import assert from "node:assert/strict";
import { type AugmentAttributes, augmentImages } from "../../src/ops/mod.ts";
import { AUGMENT, AUGMENT_LENGTH } from "../../src/ops/augment_row.ts";
import type { Device } from "../../src/engine/device.ts";
import { compute } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, type Tensor, variable } from "../../src/tensor/tensor.ts";
import { WasmDevice } from "../../src/wasm/device.ts";
import { testableKinds, testDevice, testDevices, testEngines, testRandom } from "../support.ts";

const SIDE = 32, CROP = 24, PLANE = SIDE * SIDE, WORDS = 3 * PLANE / 4;
const MEAN = [125.3, 123, 113.9] as const, DEVIATION = [63, 62.1, 66.7] as const;

const BASE: AugmentAttributes = {
  crop: [CROP, CROP],
  height: SIDE,
  width: SIDE,
  strides: { row: SIDE, column: 1, channel: PLANE },
  imageWords: WORDS,
  imagesPerBlock: 1000,
  padMode: "zero",
  color: true,
  normalization: { kind: "image" },
};

/** Planes of waves, a slope and noise; every fourth image is nearly flat, every eighth all one color. */
function photographs(count: number): Uint8Array {
  const random = testRandom(17);
  const bytes = new Uint8Array(count * 3 * PLANE);
  for (let image = 0; image < count; image++) {
    const contrast = image % 8 === 7 ? 0 : image % 4 === 3 ? 1.5 : 20 + 100 * random();
    const noise = contrast === 0 ? 0 : contrast / 8;
    const [fx, fy, phase] = [random() / 4, random() / 4, 6 * random()];
    for (let c = 0; c < 3; c++) {
      const level = 30 + 195 * random(), tint = random() * 2 - 0.5;
      for (let i = 0; i < PLANE; i++) {
        const wave = Math.sin(fx * (i % SIDE) + fy * Math.floor(i / SIDE) + phase + c / 3);
        const value = level + contrast * tint * wave + noise * (random() - 0.5);
        bytes[(image * 3 + c) * PLANE + i] = Math.min(Math.max(Math.round(value), 0), 255);
      }
    }
  }
  return bytes;
}

/** One row an image, drawn over the whole range of every stage. */
function randomRows(count: number): Float32Array {
  const random = testRandom(3);
  const rows = new Float32Array(count * AUGMENT_LENGTH);
  const between = (low: number, high: number) => low + (high - low) * random();
  for (let start = 0; start < rows.length; start += AUGMENT_LENGTH) {
    rows[start + AUGMENT.top] = Math.floor(between(-4, 13));
    rows[start + AUGMENT.left] = Math.floor(between(-4, 13));
    rows[start + AUGMENT.flip] = Math.floor(between(0, 2));
    rows[start + AUGMENT.saturation] = between(0, 2);
    rows[start + AUGMENT.hue] = between(-0.5, 0.5);
    rows[start + AUGMENT.brightness] = between(-63, 63);
    rows[start + AUGMENT.contrast] = between(0.2, 1.8);
    rows[start + AUGMENT.cutoutTop] = Math.floor(between(-4, 24));
    rows[start + AUGMENT.cutoutLeft] = Math.floor(between(-4, 24));
    rows[start + AUGMENT.cutoutSize] = Math.floor(between(0, 9));
  }
  return rows;
}

const COUNT = 256;
const BYTES = photographs(COUNT);
const ROWS = randomRows(COUNT);
/** Every image once, in no order of blocks. */
const IDS = Uint32Array.from({ length: COUNT }, (_, i) => (i * 101) % COUNT);

/** HSV to RGB by the sector of the hue (Smith 1978), which the kernels do not use. */
function sectorColor(hue: number, saturation: number, value: number): number[] {
  const turn = 6 * (hue - Math.floor(hue)), sector = Math.floor(turn) % 6;
  const fraction = turn - Math.floor(turn);
  const p = value * (1 - saturation), q = value * (1 - saturation * fraction);
  const t = value * (1 - saturation * (1 - fraction));
  return [[value, t, p], [q, value, p], [p, value, t], [p, q, value], [t, p, value], [value, p, q]][
    sector
  ];
}

function turned([r, g, b]: number[], turns: number): number[] {
  const value = Math.max(r, g, b), spread = value - Math.min(r, g, b);
  if (spread === 0) return [r, g, b];
  // The angle of the color in the plane across the gray axis, by the sector of its largest value.
  const hue = r === value
    ? (g - b) / spread / 6
    : g === value
    ? (b - r) / spread / 6 + 1 / 3
    : (r - g) / spread / 6 + 2 / 3;
  return sectorColor(hue + turns, spread / value, value);
}

/** One augmented image, float64. */
function oracle(id: number, row: Float32Array, attributes: AugmentAttributes): Float64Array {
  const at = (name: keyof typeof AUGMENT) => row[AUGMENT[name]];
  const colors: number[][] = [];
  for (let i = 0; i < CROP; i++) {
    for (let j = 0; j < CROP; j++) {
      let y = at("top") + i, x = at("left") + (at("flip") === 1 ? CROP - 1 - j : j);
      if (attributes.padMode === "reflect") {
        [y, x] = [y, x].map((place) => SIDE - 1 - Math.abs(SIDE - 1 - Math.abs(place)));
      }
      const inside = y >= 0 && y < SIDE && x >= 0 && x < SIDE;
      let color = [0, 1, 2].map((c) => inside ? BYTES[(id * 3 + c) * PLANE + y * SIDE + x] : 0);
      if (attributes.color) {
        const gray = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2];
        color = color.map((v) =>
          Math.min(255, Math.max(0, at("saturation") * v + (1 - at("saturation")) * gray))
        );
        color = turned(color, at("hue"));
      }
      colors.push(color.map((v) => v + at("brightness")));
    }
  }
  const average = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  const means = [0, 1, 2].map((c) => average(colors.map((color) => color[c])));
  const contrasted = colors.map((color) =>
    color.map((v, c) => at("contrast") * v + (1 - at("contrast")) * means[c])
  );
  let normal: (v: number, c: number) => number = (v, c) => (v - MEAN[c]) / DEVIATION[c];
  if (attributes.normalization.kind === "image") {
    const all = contrasted.flat(), mean = average(all);
    const deviation = Math.sqrt(average(all.map((v) => (v - mean) ** 2)));
    normal = (v) => (v - mean) / Math.max(deviation, 1 / Math.sqrt(all.length));
  }
  return Float64Array.from(contrasted.flatMap((color, i) => {
    const y = Math.floor(i / CROP) - at("cutoutTop"), x = i % CROP - at("cutoutLeft");
    const size = at("cutoutSize");
    return y >= 0 && y < size && x >= 0 && x < size ? [0, 0, 0] : color.map(normal);
  }));
}

/** The images in blocks of the given number. */
function blocksOf(imagesPerBlock: number): Tensor[] {
  const words = new Uint32Array(BYTES.buffer);
  return Array.from({ length: Math.ceil(COUNT / imagesPerBlock) }, (_, i) => {
    const part = words.slice(i * imagesPerBlock * WORDS, (i + 1) * imagesPerBlock * WORDS);
    return variable(`block ${i}`, [part.length], part);
  });
}

async function augmented(
  device: Device,
  attributes: AugmentAttributes = BASE,
  ids: Uint32Array = IDS,
): Promise<Float32Array> {
  using state = new VariableState(device);
  const rows = constant(ROWS.slice(0, ids.length * AUGMENT_LENGTH), [ids.length, AUGMENT_LENGTH]);
  const blocks = blocksOf(attributes.imagesPerBlock);
  const y = augmentImages(blocks, constant(ids, [ids.length]), rows, attributes);
  return await compute(state, y) as Float32Array;
}

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** A comparison of whole batches by `assert` would print both. */
function assertSameBits(actual: Uint32Array, expected: Uint32Array, what: string): void {
  assert.equal(actual.length, expected.length, what);
  const place = actual.findIndex((word, i) => word !== expected[i]);
  assert.equal(place, -1, `${what}: value ${place} differs`);
}

const perChannel = { kind: "channel", mean: MEAN, deviation: DEVIATION } as const;
const VARIANTS: Readonly<Record<string, Partial<AugmentAttributes>>> = {
  "crop, flip, brightness and contrast": { color: false },
  "saturation and hue": {},
  "mirrored padding": { padMode: "reflect" },
  "normalization by channel": { normalization: perChannel },
  "normalization by channel without color": { normalization: perChannel, color: false },
};

for (const [name, change] of Object.entries(VARIANTS)) {
  Deno.test(`augmentImages, ${name}: 256 images equal a second definition to 1e-5`, async () => {
    const attributes = { ...BASE, imagesPerBlock: 100, ...change };
    const expected = [...IDS].map((id, i) =>
      oracle(id, ROWS.subarray(i * AUGMENT_LENGTH, (i + 1) * AUGMENT_LENGTH), attributes)
    );
    for (const { name: kind, device } of await testDevices()) {
      const y = await augmented(device, attributes);
      let worst = 0;
      expected.forEach((image, i) =>
        image.forEach((v, k) => {
          const difference = Math.abs(y[i * image.length + k] - v);
          if (!(difference <= worst)) worst = difference;
        })
      );
      assert.ok(worst <= 1e-5, `${kind}: differs by ${worst}`);
    }
  });
}

Deno.test("augmentImages: in how many blocks the images lie changes no bit", async () => {
  for (const { name, device } of await testEngines()) {
    const whole = bits(await augmented(device));
    for (const imagesPerBlock of [256, 90, 37]) {
      const parts = bits(await augmented(device, { ...BASE, imagesPerBlock }));
      assertSameBits(parts, whole, `${name}, blocks of ${imagesPerBlock}`);
    }
  }
});

Deno.test("augmentImages: the same bits on any number of threads", async () => {
  const [one, ...others] = await Promise.all([1, 2, 3].map(async (threads) => {
    using device = await WasmDevice.open({ threads });
    return bits(await augmented(device));
  }));
  others.forEach((other, i) => assertSameBits(other, one, `${i + 2} threads`));
});

Deno.test("augmentImages: an id that no block has makes an image of NaN and no other", async () => {
  const ids = Uint32Array.of(0, COUNT - 1, COUNT, 2 ** 32 - 1, 5, 299);
  for (const { name, device } of await testDevices()) {
    const y = await augmented(device, { ...BASE, imagesPerBlock: 100 }, ids);
    const length = y.length / ids.length;
    ids.forEach((id, i) => {
      const image = y.subarray(i * length, (i + 1) * length);
      const asked = id < COUNT ? image.every(Number.isFinite) : image.every(Number.isNaN);
      assert.ok(asked, `${name}: image ${id}`);
    });
  }
});

Deno.test("augmentImages: a flat image is zero, exactly", async () => {
  const block = constant(new Uint32Array(WORDS).fill(0xc8c8c8c8), [WORDS]);
  const row = new Float32Array(AUGMENT_LENGTH);
  row.set([4, 4, 1, 1.7, 0.3, 17.3, 1.3]);
  const rows = constant(row, [1, AUGMENT_LENGTH]);
  for (const { name, device } of await testDevices()) {
    using state = new VariableState(device);
    const y = augmentImages([block], constant(Uint32Array.of(0), [1]), rows, BASE);
    const values = await compute(state, y);
    assert.ok(values.every((v) => v === 0), name);
  }
});

Deno.test("augmentImages: right up to the trips of a software adapter, refused beyond", async () => {
  // 3 passes over the pixels of an invocation and 2 sums of 6 halvings make 59,999 trips.
  const width = 64 * 19_994;
  const wide = (width: number) => {
    // The only pixel comes last, behind black.
    const row = new Float32Array(AUGMENT_LENGTH);
    row.set([0, 1 - width, 0, 1, 0, 0, 1]);
    const rows = constant(row, [1, AUGMENT_LENGTH]);
    const block = constant(Uint32Array.of(0xffffff), [1]);
    const size = { crop: [1, width] as const, height: 1, width: 1, imageWords: 1 };
    const strides = { row: 1, column: 1, channel: 1 };
    const attributes = { ...BASE, ...size, strides, color: false };
    return augmentImages([block], constant(Uint32Array.of(0), [1]), rows, attributes);
  };
  for (const kind of await testableKinds()) {
    using state = new VariableState(await testDevice(kind));
    const y = await compute(state, wide(kind === "gpu" ? width + 1 : width));
    const pixels = y.length / 3;
    // One value of 255 among n - 1 zeros has a deviation of 255 sqrt(n - 1) / n.
    const expected = [-1 / Math.sqrt(pixels - 1), Math.sqrt(pixels - 1)];
    for (const [i, place] of [0, y.length - 1].entries()) {
      const error = Math.abs(y[place] / expected[i] - 1);
      assert.ok(error < 1e-5, `${kind}: value ${place} is off by ${error}`);
    }
    if (kind === "gpu") continue;
    await assert.rejects(
      () => compute(state, wide(width + 1)),
      /RangeError: Cannot apply augment_images as .* 60000 trips .* \[1, 1, 1279617, 3\]/,
    );
  }
});

Deno.test("augmentImages refuses what does not fit together", () => {
  const [ids, rows] = [constant(IDS, [COUNT]), constant(ROWS, [COUNT, AUGMENT_LENGTH])];
  const blocks = blocksOf(100);
  const attributes = { ...BASE, imagesPerBlock: 100 };
  const build = (change: Partial<AugmentAttributes>) => () =>
    augmentImages(blocks, ids, rows, { ...attributes, ...change });
  const refusals: [() => Tensor, RegExp][] = [
    [() => augmentImages([], ids, rows, attributes), /there must be a block/],
    [() => augmentImages(blocks, rows, rows, attributes), /input 0 must be u32/],
    [() => augmentImages(blocks, ids, constant(ROWS, [COUNT * 2, 6]), attributes), /12 numbers/],
    [build({ imagesPerBlock: 101 }), /block 0 must hold 101 images of 768 words.* \[76800\]/],
    [build({ imageWords: 767 }), /an image of 3072 bytes does not fit in 767 words/],
    [build({ crop: [0, 24] }), /the crop's height must be a whole number of at least 1/],
    [
      build({ normalization: { kind: "channel", mean: MEAN, deviation: [1, 0, 1] } }),
      /deviations must be above 0: current values are 1,0,1/,
    ],
  ];
  for (const [make, message] of refusals) assert.throws(make, message);
});
