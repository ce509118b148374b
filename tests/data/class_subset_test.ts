/** Some of a data set's classes: their images alone, numbered as listed. */
import assert from "node:assert/strict";
import { withClasses } from "../../src/data/class_subset.ts";
import type { Dataset } from "../../src/data/datasets/dataset.ts";
import { ImageStore, sharedLabels } from "../../src/data/image_store.ts";
import { ConfigError } from "../../src/util/errors.ts";

const LABELS = [2, 0, 1, 2, 3, 0];
const dataset: Dataset = {
  name: "four",
  classes: ["ant", "bee", "cat", "dog"],
  splits: ["train"],
  origin: "made here",
  open() {
    const bytes = new SharedArrayBuffer(LABELS.length);
    new Uint8Array(bytes).set([10, 11, 12, 13, 14, 15]);
    return Promise.resolve(
      new ImageStore({
        format: { height: 1, width: 1, channels: 1, order: "CHW" },
        recordBytes: 1,
        pixelOffset: 0,
        source: { kind: "memory", bytes },
        labels: sharedLabels(LABELS),
      }),
    );
  },
};

Deno.test("the images of the classes, renumbered as listed", async () => {
  for (const list of ["2,0", "cat, ant"]) {
    const chosen = withClasses(dataset, list);
    assert.deepEqual(chosen.classes, ["cat", "ant"]);
    using store = await chosen.open("train");
    assert.deepEqual(Array.from(store.labels), [0, 1, 0, 1]);
    const pixels = Array.from({ length: store.count }, (_, i) => store.pixels(i)[0]);
    assert.deepEqual(pixels, [10, 11, 13, 15]);
  }
  assert.equal(withClasses(dataset, null), dataset);
});

Deno.test("classes that are not there, twice or alone are refused", () => {
  for (
    const [list, error, hint] of [
      ["0,4", /"4" is no class of four: expected 0 to 3 or one of ant, bee/, /--classes 0,1/],
      ["cat,dg", /"dg" is no class/, /did you mean dog\?/],
      ["cat,2", /found cat twice/, /--classes/],
      ["1", /at least two classes of four: found "1"/, /--classes/],
    ] as const
  ) {
    assert.throws(
      () => withClasses(dataset, list),
      (thrown) =>
        thrown instanceof ConfigError && error.test(thrown.message) && hint.test(thrown.hint),
    );
  }
});
