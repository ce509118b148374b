import assert from "node:assert/strict";
import { mixBatch } from "../../../src/data/augment/apply.ts";
import { drawMix } from "../../../src/data/augment/draw.ts";
import { MIX, MIX_LENGTH } from "../../../src/ops/augment_row.ts";
import { RandomStream, STREAMS } from "../../../src/util/random.ts";
import { testRandom } from "../../support.ts";
import golden from "../../golden/augment.json" with { type: "json" };
import { oracleMix } from "./oracle.ts";
import { assertNear, PLAIN } from "./support.ts";

const SHAPE = [5, 7] as const;
const VALUES = 5 * 7 * 3;

function mixOf(numbers: Partial<Record<keyof typeof MIX, number>>): Float32Array {
  const mix = new Float32Array(MIX_LENGTH);
  mix[MIX.share] = 1;
  for (const [name, value] of Object.entries(numbers)) mix[MIX[name as keyof typeof MIX]] = value;
  return mix;
}

/** The numbers of many batches. */
function drawMany(spec: Parameters<typeof drawMix>[0], count: number): Float32Array[] {
  const random = new RandomStream(9, STREAMS.mix);
  return Array.from({ length: count }, (_, batch) => {
    const mix = new Float32Array(MIX_LENGTH).fill(NaN);
    drawMix(spec, random.seek(batch), mix);
    return mix;
  });
}

Deno.test("mixBatch makes what the oracle makes of mixup, cutmix, both and neither", () => {
  const box = { top: 1, bottom: 4, left: 2, right: 6 };
  const mixes = {
    neither: mixOf({}),
    mixup: mixOf({ share: 0.3 }),
    box: mixOf(box),
    "box at the edges": mixOf({ top: 0, bottom: 2, left: 4, right: 7 }),
    "box of everything": mixOf({ top: 0, bottom: 5, left: 0, right: 7 }),
    both: mixOf({ ...box, share: 0.8 }),
  };
  for (const [name, mix] of Object.entries(mixes)) {
    for (const batch of [1, 2, 5, 6]) {
      const random = testRandom(batch);
      const images = Float32Array.from({ length: batch * VALUES }, () => 4 * random() - 2);
      const lists = Array.from(
        { length: batch },
        (_, i) => Array.from(images.subarray(i * VALUES, (i + 1) * VALUES)),
      );
      mixBatch(images, mix, batch, SHAPE);
      assertNear(images, oracleMix(lists, mix, SHAPE[1]).flat(), 1e-6, `${name}, ${batch}: value`);
    }
  }
});

Deno.test("nothing mixed is nothing changed, to the bit; nor is the middle image of an odd batch", () => {
  const random = testRandom(8);
  const before = Float32Array.from({ length: 3 * VALUES }, random);
  const images = before.slice();
  mixBatch(images, mixOf({}), 3, SHAPE);
  assert.deepEqual(images, before);
  mixBatch(images, mixOf({ share: 0.4, bottom: 3, right: 3 }), 3, SHAPE);
  assert.deepEqual(images.slice(VALUES, 2 * VALUES), before.slice(VALUES, 2 * VALUES));
  assert.notDeepEqual(images.slice(0, VALUES), before.slice(0, VALUES));
});

Deno.test("the share of a label is the share of its image's pixels", () => {
  for (const recipe of [{ mixup: 0.4 }, { cutmix: 1 }, { mixup: 1, cutmix: 0.7 }]) {
    const spec = { ...PLAIN, crop: SHAPE, ...recipe };
    for (const mix of drawMany(spec, 200)) {
      // The first image is 1 all over and its partner 0: the mean is the share of the first.
      const images = new Float32Array(2 * VALUES).fill(1, 0, VALUES);
      mixBatch(images, mix, 2, SHAPE);
      const mean = images.subarray(0, VALUES).reduce((sum, value) => sum + value, 0) / VALUES;
      assertNear([mean], [mix[MIX.labelShare]], 1e-5);
    }
  }
});

Deno.test("with both off the numbers change nothing and none are drawn", () => {
  const random = new RandomStream(1, STREAMS.mix).seek(4);
  const mix = new Float32Array(MIX_LENGTH).fill(NaN);
  drawMix(PLAIN, random, mix);
  assert.deepEqual(mix, mixOf({ labelShare: 1 }));
  assert.equal(random.uint32(), new RandomStream(1, STREAMS.mix).seek(4).uint32());
});

Deno.test("mixup's share is Beta(alpha, alpha), and there is no box", () => {
  const draws = drawMany({ ...PLAIN, mixup: 0.2 }, 20_000);
  for (const [a, b, x, expected] of golden.beta.filter(([a]) => a === 0.2)) {
    assert.equal(b, a);
    const below = draws.filter((mix) => mix[MIX.share] <= x).length / draws.length;
    assertNear([below], [expected], 0.012, `P(share <= ${x})`);
  }
  for (const mix of draws) {
    assert.equal(mix[MIX.labelShare], mix[MIX.share]);
    assert.deepEqual(mix.slice(MIX.top, MIX.right + 1), new Float32Array(4));
  }
});

Deno.test("cutmix's box has the image's proportions and the area that was drawn, around any pixel", () => {
  const [height, width] = [120, 80];
  const draws = drawMany({ ...PLAIN, crop: [height, width], cutmix: 1 }, 20_000);
  const inside = { count: 0, skew: 0 };
  const centers = { row: 0, column: 0, count: 0 };
  for (const mix of draws) {
    const [top, left, bottom, right] = mix.slice(MIX.top, MIX.right + 1);
    assert.equal(mix[MIX.share], 1);
    assert.ok(top >= 0 && top <= bottom && bottom <= height);
    assert.ok(left >= 0 && left <= right && right <= width);
    assertNear([mix[MIX.labelShare]], [1 - (bottom - top) * (right - left) / 9600], 1e-6);
    if (top > 0 && left > 0 && bottom < height && right < width) {
      inside.count++;
      inside.skew = Math.max(inside.skew, Math.abs((bottom - top) - (right - left) * 1.5));
    }
    if (bottom - top < 12 && top > 0 && bottom < height && left > 0 && right < width) {
      centers.row += (top + bottom) / 2;
      centers.column += (left + right) / 2;
      centers.count++;
    }
  }
  // A box of side s lies inside with the probability (1 - s)^2, s = sqrt(u) of a uniform u.
  assertNear([inside.count / draws.length], [1 - 4 / 3 + 1 / 2], 0.012);
  assert.ok(inside.skew <= 1.5, `${inside.skew}`);
  // lambda is uniform, so a box of side sqrt(1 - lambda) < 0.1 has the probability 0.01.
  assert.ok(centers.count > 130 && centers.count < 250, `${centers.count}`);
  assertNear([centers.row / centers.count / height], [0.5], 0.08);
  assertNear([centers.column / centers.count / width], [0.5], 0.08);
});

Deno.test("the mean share of cutmix's labels is that of clipped boxes around any pixel", () => {
  // Side s of the box, uniform center: the covered part of an axis is s - s^2 / 4 on average, and
  // s = sqrt(u) of a uniform u: the mean of (s - s^2 / 4)^2 is 1/2 - 1/5 + 1/48 = 0.3208.
  const draws = drawMany({ ...PLAIN, crop: [200, 200], cutmix: 1 }, 20_000);
  const mean = draws.reduce((sum, mix) => sum + mix[MIX.labelShare], 0) / draws.length;
  assertNear([mean], [1 - (1 / 2 - 1 / 5 + 1 / 48)], 0.006);
});

Deno.test("with both on a coin decides for each batch", () => {
  const draws = drawMany({ ...PLAIN, mixup: 1, cutmix: 1 }, 4000);
  const mixups = draws.filter((mix) => mix[MIX.share] < 1);
  assertNear([mixups.length / draws.length], [0.5], 0.03);
  assert.ok(mixups.every((mix) => mix[MIX.bottom] === 0 && mix[MIX.labelShare] === mix[MIX.share]));
});
