/** Manifests whose sum is right and whose contents are not: no field is believed unseen. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { verifyCheckpoint } from "../../../src/train/checkpoints/load_checkpoint.ts";
import { FRESH_LOOP, parseLoopState } from "../../../src/train/checkpoints/loop_state.ts";
import {
  encodeManifest,
  type Manifest,
  parseManifest,
  readManifest,
  sha256Of,
} from "../../../src/train/checkpoints/manifest.ts";
import { DataError } from "../../../src/util/errors.ts";
import { temporaryFolder } from "../../data/helpers.ts";
import { tinyRun } from "../run_support.ts";

const MANIFEST: Manifest = {
  model: "tiny",
  step: 7,
  number: 2,
  configHash: "0",
  metrics: { loss: 1.5, set: "test", precision: 0.5, precisionEma: null },
  loop: { ...FRESH_LOOP, window: [1, 2], best: { step: 5, precision: 0.25 } },
  run: tinyRun().json,
  files: { "model.safetensors": { bytes: 8, sha256: "0".repeat(64) } },
};

type Json = Readonly<Record<string, unknown>>;

/** The text of a manifest with other fields, sealed as `encodeManifest` seals it. */
function sealed(changes: Json): string {
  const { sha256: _, ...body } = { ...JSON.parse(encodeManifest(MANIFEST)), ...changes };
  const text = (json: Json) => JSON.stringify(json, null, 2) + "\n";
  return text({ ...body, sha256: sha256Of(text(body)) });
}

Deno.test("a manifest is read as it was written", () => {
  const text = encodeManifest(MANIFEST);
  assert.deepEqual(parseManifest(text, "it"), MANIFEST);
  assert.equal(sealed({}), text, "the test seals as the writer does");
  // The same JSON in other words is refused: a flipped bit may have made it.
  for (const other of [text.trimEnd(), ` ${text}`, text.replace('"step": 7', '"step": 7.0')]) {
    assert.throws(() => parseManifest(other, "it"), DataError);
  }
});

Deno.test("a sealed manifest with a field that cannot be is refused", () => {
  const cases: Json[] = [
    ...["7", -1, 0.5, null, 2 ** 53].map((step) => ({ step })),
    ...["2", -1, 1.5].map((number) => ({ number })),
    { model: 3 },
    { configHash: null },
    { run: null },
    { run: [] },
    { metrics: null },
    { metrics: { ...MANIFEST.metrics, loss: "1" } },
    { metrics: { ...MANIFEST.metrics, precision: undefined } },
    { metrics: { ...MANIFEST.metrics, set: 1 } },
    { files: null },
    { files: [] },
    { files: { "model.safetensors": null } },
    { files: { "model.safetensors": { bytes: -1, sha256: "0" } } },
    { files: { "model.safetensors": { bytes: 8 } } },
    // A manifest may not send its reader anywhere else.
    ...["../model.safetensors", "/etc/passwd", "a/b.safetensors", "model.bin", ".safetensors"].map((
      name,
    ) => ({ files: { [name]: { bytes: 8, sha256: "0" } } })),
    { loop: null },
    { loop: { ...FRESH_LOOP, window: "1" } },
  ];
  for (const changes of cases) {
    assert.throws(
      () => parseManifest(sealed(changes), "it"),
      {
        name: "DataError",
        message: "Cannot use it: expected an undamaged checkpoint manifest",
        hint: /it is damaged: use an earlier checkpoint/,
      },
      JSON.stringify(changes),
    );
  }
  assert.throws(() => parseManifest(sealed({ format: 1 }), "it"), {
    message: "Cannot use it: expected checkpoint format 2, found 1",
    hint: /version of kiln that wrote it/,
  });
  assert.throws(() => parseManifest(sealed({ format: "2" }), "it").step, DataError);
});

Deno.test("what the loop goes on with is checked field by field", () => {
  const good: Json = {
    ...FRESH_LOOP,
    window: [0.5],
    best: { step: 3, precision: 0.5 },
    plateau: { best: 0.5, waited: 1, drops: 2 },
  };
  assert.deepEqual(parseLoopState(good), good);
  assert.deepEqual(parseLoopState({ ...FRESH_LOOP }), FRESH_LOOP);
  assert.ok(parseLoopState({ ...good, plateau: { best: null, waited: 0, drops: 0 } }));
  const wrong: Json = {
    lossAverage: "1",
    window: [1, null],
    metricsBytes: 0.5,
    best: { step: 3 },
    sinceBest: null,
    plateau: { best: 1, waited: 0 },
    evaluationIsDue: 0,
  };
  assert.deepEqual(Object.keys(wrong).sort(), Object.keys(FRESH_LOOP).sort(), "each has a case");
  for (const [name, value] of Object.entries(wrong)) {
    assert.equal(parseLoopState({ ...good, [name]: value }), undefined, name);
    const { [name]: _, ...rest } = good;
    assert.equal(parseLoopState(rest), undefined, `without ${name}`);
  }
  const plateaus: unknown[] = [{ waited: 0, drops: 0 }, { best: "1", waited: 0, drops: 0 }, []];
  for (const plateau of plateaus) assert.equal(parseLoopState({ ...good, plateau }), undefined);
  for (const best of [{ precision: 1 }, { step: 1.5, precision: 1 }, 3, []]) {
    assert.equal(parseLoopState({ ...good, best }), undefined);
  }
  for (const json of [null, [], "x", 1, undefined]) assert.equal(parseLoopState(json), undefined);
});

Deno.test("a manifest of gigabytes is not read", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "manifest.json");
  await Deno.writeTextFile(path, encodeManifest(MANIFEST));
  assert.deepEqual(await readManifest(folder.path), MANIFEST);
  await Deno.truncate(path, 8 * 2 ** 30);
  const before = Deno.memoryUsage().external;
  await assert.rejects(readManifest(folder.path), DataError);
  assert.ok(Deno.memoryUsage().external - before < 2 ** 20);
});

Deno.test("a file of tensors that has grown to half a gigabyte is not read", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "manifest.json");
  await Deno.writeTextFile(path, encodeManifest(MANIFEST));
  const model = join(folder.path, "model.safetensors");
  await Deno.writeFile(model, new Uint8Array(8));
  await Deno.truncate(model, 2 ** 29);
  const before = Deno.memoryUsage().external;
  await assert.rejects(verifyCheckpoint(folder.path), {
    name: "DataError",
    message: `Cannot use ${model}: expected 8 bytes with sha256 ${"0".repeat(64)}, ` +
      "found 536870912 bytes",
  });
  assert.ok(Deno.memoryUsage().external - before < 2 ** 20);
});
