/** airbench94 on the command line: its recipe, its start from the images, six views, and going on to the same bits. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors } from "../src/formats/safetensors.ts";
import { listCheckpoints } from "../src/train/checkpoints/list_checkpoints.ts";
import { kiln, type Outcome } from "./cli_support.ts";
import { temporaryFolder } from "./data/helpers.ts";
import { resultOf, writeDataset } from "./faults/support.ts";

const MACHINE = ["--device", "cpu", "--workers", "1", "--threads", "2"];
const FILTERS = 24;

function right({ code, out, err }: Outcome): string {
  assert.equal(code, 0, err);
  return out;
}

async function filtersOf(runDir: string, step: number): Promise<Float32Array> {
  const checkpoint = (await listCheckpoints(runDir)).find((found) => found.step === step);
  const path = join(checkpoint?.path ?? assert.fail(`no step ${step}`), "model.safetensors");
  const { tensors } = await readSafetensors(path);
  return tensors["whiten/weights"].data as Float32Array;
}

Deno.test("airbench94 starts from its training images, and goes on to the same bits", async () => {
  await using folder = await temporaryFolder();
  const dataset = await writeDataset(folder.path);
  const runDir = join(folder.path, "run");
  const line = ["train", "--model", "airbench94", "--dataset", dataset, ...MACHINE];
  const more = ["--batch-size", "8", "--steps", "7", "--checkpoint-every", "2"];
  const out = right(await kiln([...line, ...more, "--run-dir", runDir]));
  assert.match(out, /^ +optimizer +nesterov 0\.85, lookahead every 5 steps$/m);
  assert.match(
    out,
    /^ +learning rate +1\.5, from 0\.3 after 0\.23 of the steps, then falling to 0\.105$/m,
  );
  assert.doesNotMatch(out, /frozen/, "that is what --freeze is told by");

  const filters = await filtersOf(runDir, 7);
  assert.ok(filters.some((value) => value !== 0));
  // [2, 2, 3, 24]: the second half are the negatives of the first, which numbers at random are not.
  for (let place = 0; place < 12; place++) {
    const row = filters.subarray(place * FILTERS, (place + 1) * FILTERS);
    for (let o = 0; o < FILTERS / 2; o++) assert.equal(row[o + FILTERS / 2], -row[o]);
  }
  assert.deepEqual(await filtersOf(runDir, 2), filters, "they are not trained");

  const expected = await resultOf(runDir);
  for (const { path, step } of await listCheckpoints(runDir)) {
    if (step > 4) await Deno.remove(path, { recursive: true });
  }
  right(await kiln(["train", "--resume", "--run-dir", runDir, "--workers", "1"]));
  assert.deepEqual(await resultOf(runDir), expected);

  const measured = async (views: string) => {
    const json = right(
      await kiln(["eval", "--run", runDir, "--views", views, "--json", ...MACHINE]),
    );
    return JSON.parse(json);
  };
  const [one, six] = [await measured("1"), await measured("6")];
  assert.deepEqual([one.images, six.images], [32, 32]);
  assert.notEqual(one.loss, six.loss);
});
