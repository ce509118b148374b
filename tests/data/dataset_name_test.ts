import assert from "node:assert/strict";
import { defaultDataDir, parseDatasetName } from "../../src/data/datasets/dataset_name.ts";
import { ConfigError } from "../../src/util/errors.ts";

Deno.test("a data set is named by a word, or by a kind and a path", () => {
  assert.deepEqual(parseDatasetName("cifar10"), { kind: "cifar10" });
  assert.deepEqual(parseDatasetName("cifar100"), { kind: "cifar100", labels: "fine" });
  assert.deepEqual(parseDatasetName("cifar100:coarse"), { kind: "cifar100", labels: "coarse" });
  assert.deepEqual(parseDatasetName("svhn:extra"), { kind: "svhn", extra: true });
  assert.deepEqual(parseDatasetName("folder:a:b/c"), { kind: "folder", path: "a:b/c" });
  assert.deepEqual(parseDatasetName("records:set.json"), { kind: "records", path: "set.json" });
  assert.equal(defaultDataDir({ kind: "folder", path: "x" }), "x");
  const folders = ["cifar10", "cifar100", "svhn"].map((name) =>
    defaultDataDir(parseDatasetName(name))
  );
  assert.equal(new Set(folders).size, 3);
});

Deno.test("any other name is refused with what was meant", () => {
  const cases: [string, RegExp][] = [
    ["cifar1O", /did you mean cifar10\?/],
    ["folder:", /write --dataset folder:PATH/],
    ["records", /JSON file of its layout/],
    ["mnist", /your own images: --dataset folder:PATH/],
    ["toString", /your own images/],
    ["svhn:xtra", /did you mean svhn:extra/],
  ];
  for (const [text, hint] of cases) {
    assert.throws(() => parseDatasetName(text), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /^--dataset must be one of cifar10, .*: found "/);
      assert.match(error.hint, hint);
      return true;
    });
  }
});
