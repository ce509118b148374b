/** Fifteen hundred damaged MAT files and descriptions of records. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseRecordSet } from "../../../src/data/datasets/record_layout.ts";
import { openMat } from "../../../src/formats/mat.ts";
import { ConfigError, DataError } from "../../../src/util/errors.ts";
import { compressed, concat, matHeader, matrix, MI } from "../../formats/mat_support.ts";
import { testRandom } from "../../support.ts";
import { temporaryFolder } from "../helpers.ts";

const MAT_FILES = 1000;
const DESCRIPTIONS = 500;
const ORDER = { little: true };

Deno.test("damaged MAT files are refused, or give as many numbers as their shape says", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "test.mat");
  const random = testRandom(13);
  const below = (n: number) => Math.floor(random() * n);
  const pixels = Uint8Array.from({ length: 96 }, () => below(256));
  const images = { name: "X", shape: [2, 4, 3, 4], type: MI.uint8, data: pixels };
  const labels = { name: "y", shape: [4, 1], type: MI.uint8, data: Uint8Array.of(1, 2, 10, 3) };
  const parts = [matrix(images, ORDER), matrix(labels, ORDER)];
  const files = [
    concat(matHeader(ORDER), ...parts),
    concat(matHeader(ORDER), ...parts.map((part) => compressed(part, ORDER))),
  ];
  const counts = { refused: 0, read: 0 };
  for (let i = 0; i < MAT_FILES; i++) {
    const whole = files[i % 2];
    let bytes = whole.slice();
    if (below(3) === 0) bytes = whole.slice(0, below(whole.length));
    else for (let n = 1 + below(3); n > 0; n--) bytes[below(bytes.length)] ^= 1 << below(8);
    await Deno.writeFile(path, bytes);
    try {
      for (const array of await openMat(path)) {
        const numbers = await array.numbers(10_000);
        assert.equal(numbers.length, array.shape.reduce((a, b) => a * b, 1));
      }
      counts.read++;
    } catch (error) {
      assert.ok(error instanceof DataError, `file ${i}: ${(error as Error).stack}`);
      counts.refused++;
    }
  }
  assert.equal(counts.refused + counts.read, MAT_FILES);
  // What is read was damaged in a text, in padding, or in numbers without a checksum.
  assert.ok(counts.refused > MAT_FILES / 4, JSON.stringify(counts));
});

const DESCRIPTION = {
  image: { height: 2, width: 3, channels: 1, order: "HWC" },
  recordBytes: 7,
  labelOffset: 0,
  imageOffset: 1,
  classes: ["a", "b"],
  train: ["train.bin"],
  test: [{ path: "test.bin", sha256: "0".repeat(64) }],
};
const STRANGE = [null, -1, 0, 1.5, 1e300, "", "x", [], {}, true, [null], ["a", "a"], 2 ** 53];

Deno.test("damaged descriptions of records are refused in one line, or describe records that fit", () => {
  const random = testRandom(17);
  const below = (n: number) => Math.floor(random() * n);
  const counts = { refused: 0, read: 0 };
  for (let i = 0; i < DESCRIPTIONS; i++) {
    let text = JSON.stringify(DESCRIPTION);
    if (below(2) === 0) {
      const at = below(text.length);
      text = text.slice(0, at) + String.fromCharCode(32 + below(95)) + text.slice(at + below(3));
    } else {
      const json: Record<string, unknown> = structuredClone(DESCRIPTION);
      const inner = json.image as Record<string, unknown>;
      const target = below(3) === 0 ? inner : json;
      const keys = Object.keys(target);
      const key = below(6) === 0 ? "more" : keys[below(keys.length)];
      if (below(4) === 0) delete target[key];
      else target[key] = STRANGE[below(STRANGE.length)];
      text = JSON.stringify(json);
    }
    try {
      const { layout } = parseRecordSet(text, "set.json");
      const { height, width, channels } = layout.format;
      assert.ok(layout.pixelOffset + height * width * channels <= layout.recordBytes);
      assert.ok(layout.labelOffset + layout.labelBytes <= layout.recordBytes);
      counts.read++;
    } catch (error) {
      const expected = error instanceof ConfigError || error instanceof DataError;
      assert.ok(expected, `${text}: ${(error as Error).stack}`);
      assert.match(error.message, /set\.json/);
      counts.refused++;
    }
  }
  assert.equal(counts.refused + counts.read, DESCRIPTIONS);
  assert.ok(counts.refused > DESCRIPTIONS / 2, JSON.stringify(counts));
});
