/** Five thousand damaged record files: each is refused, or counted, and what is kept is undamaged. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CorruptBudget } from "../../../src/data/corrupt_budget.ts";
import { loadRecords } from "../../../src/data/datasets/record_store.ts";
import type { ImageStore } from "../../../src/data/image_store.ts";
import { DataError } from "../../../src/util/errors.ts";
import { testRandom } from "../../support.ts";
import { SMALL_LAYOUT, smallPixels, smallRecords } from "../datasets/support.ts";
import { sha256, temporaryFolder } from "../helpers.ts";

const FILES = 5000;
const RECORD = SMALL_LAYOUT.recordBytes;
const CLASSES = 3;
const LABELS = [0, 1, 2, 1, 0];
const WHOLE = smallRecords(LABELS, 5);
const PIXELS = smallPixels(WHOLE);

/** A damaged copy, and which of its records are still right. */
interface Damage {
  readonly bytes: Uint8Array;
  readonly intact: readonly number[];
  /** Whether only a checksum can tell: a pixel, or a label that is another one's. */
  readonly silent?: boolean;
}

function damage(random: () => number): Damage {
  const below = (n: number) => Math.floor(random() * n);
  const all = LABELS.map((_, i) => i);
  switch (below(4)) {
    case 0: {
      const length = below(WHOLE.length);
      return { bytes: WHOLE.slice(0, length), intact: all.slice(0, Math.floor(length / RECORD)) };
    }
    case 1: {
      const record = below(LABELS.length);
      const bytes = WHOLE.slice();
      bytes[record * RECORD + SMALL_LAYOUT.labelOffset] = CLASSES + below(256 - CLASSES);
      return { bytes, intact: all.filter((i) => i !== record) };
    }
    case 2: {
      const bytes = new Uint8Array(WHOLE.length + 1 + below(RECORD - 1));
      bytes.set(WHOLE);
      return { bytes, intact: all };
    }
    default: {
      const bytes = WHOLE.slice();
      bytes[below(bytes.length)] ^= 1 << below(8);
      return { bytes, intact: all, silent: true };
    }
  }
}

Deno.test("damaged record files never train silently: an error, or counted against the budget", async () => {
  await using folder = await temporaryFolder();
  const random = testRandom(77);
  const path = join(folder.path, "records.bin");
  const counts = { refused: 0, summed: 0, skipped: 0 };
  const load = (budget: CorruptBudget, known: { bytes?: number; sha256?: string } = {}) =>
    loadRecords({
      files: [{ path, ...known }],
      layout: SMALL_LAYOUT,
      classes: CLASSES,
      memoryLimit: random() < 0.5 ? 2 ** 20 : 0,
      budget,
      hint: "replace it",
    });
  const refuse = (loading: Promise<ImageStore>) =>
    assert.rejects(loading, (error) => {
      assert.ok(error instanceof DataError, String(error));
      assert.ok(error.message.includes(path));
      return true;
    });
  const known = { bytes: WHOLE.length, sha256: sha256(WHOLE) };
  for (let i = 0; i < FILES; i++) {
    const { bytes, intact, silent = false } = damage(random);
    await Deno.writeFile(path, bytes);
    if (silent || i % 3 === 0) {
      await refuse(load(new CorruptBudget(9), known));
      counts.summed++;
    } else if (i % 3 === 1 && (intact.length < LABELS.length || bytes.length % RECORD !== 0)) {
      // A file cut off between two records is a shorter file: only its known length tells.
      if (bytes.length % RECORD === 0 && bytes.length < WHOLE.length) {
        await refuse(load(new CorruptBudget(9), { bytes: WHOLE.length }));
      } else {
        await refuse(load(new CorruptBudget(0)));
      }
      counts.refused++;
    } else if (intact.length === 0) {
      await refuse(load(new CorruptBudget(9)));
      counts.refused++;
    } else {
      const budget = new CorruptBudget(9);
      using store = await load(budget);
      const cutBetween = bytes.length % RECORD === 0 && bytes.length < WHOLE.length;
      assert.equal(budget.skipped, cutBetween ? 0 : 1);
      assert.deepEqual([...store.labels], intact.map((record) => LABELS[record]));
      intact.forEach((record, at) => assert.deepEqual([...store.pixels(at)], PIXELS[record]));
      counts.skipped++;
    }
  }
  assert.equal(counts.refused + counts.summed + counts.skipped, FILES);
  assert.ok(Math.min(counts.refused, counts.summed, counts.skipped) > 500, JSON.stringify(counts));
});
