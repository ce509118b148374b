/** `describe` as its users run it: the table, JSON, pictures, a model of one's own, and what goes wrong. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { decode } from "npm:fast-png@8.0.0";
import { parseDescribeConfig } from "../src/train/config.ts";
import { assertMistake, kiln, ROOT } from "./cli_support.ts";
import { namesIn, temporaryFolder } from "./data/helpers.ts";

/** A user's file: a model by its body. */
function modelFile(body: string): string {
  const of = (path: string) => JSON.stringify(pathToFileURL(join(ROOT, path)).href);
  return `
import { constantInitializer } from ${of("src/nn/initializers.ts")};
import { conv, dense, flatten } from ${of("src/nn/layers.ts")};
import { defineModel } from ${of("src/nn/model.ts")};
const weights = constantInitializer(0.1);
export default defineModel({
  name: "mine",
  image: [16, 16, 3],
  build(net, images) {
    ${body}
  },
});
`;
}

Deno.test("the defaults are the reference's table", () => {
  assert.deepEqual(parseDescribeConfig([]), {
    model: "reference",
    bottleneck: false,
    classes: 10,
    format: "table",
    svg: null,
  });
});

Deno.test("the table has a line a layer and the sums", async () => {
  const { code, out, err } = await kiln(["describe"]);
  assert.equal(code, 0, err);
  assert.equal(err, "");
  const lines = out.split("\n");
  assert.equal(lines[0], "reference: images of 24x24x3, 10 classes");
  assert.match(lines[2], /^layer +kind +output +parameters +multiply-adds +bytes$/);
  assert.match(lines[4], /^conv1 +conv 5x5, ReLU +24x24x64 +4,864 +2,764,800 +147,456$/);
  assert.match(lines[12], /^softmax_linear +dense +10 +1,930 +1,920 +40$/);
  assert.match(lines[13], /^total +1,068,298 +18,470,784 +306,472$/);
  assert.match(out, /^parameters +1,068,298 +4\.08 MiB in float32$/m);
  assert.match(out, /^multiply-adds +18\.47 M +an image, forward$/m);
  assert.match(out, /^activations +299 KiB +an image/m);
});

Deno.test("JSON has everything, and its rows add up; the picture is written beside it", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "made", "net.svg");
  const line = "describe --model resnet-164 --bottleneck --classes 7 --format json --svg";
  const { code, out, err } = await kiln([...line.split(" "), path]);
  assert.equal(code, 0, err);
  const { layers, totals, ...rest } = JSON.parse(out);
  assert.deepEqual(rest, { model: "resnet-164-bottleneck", image: [32, 32, 3], classes: 7 });
  assert.equal(layers.length, 385);
  const sums = { parameters: 0, statistics: 0, multiplyAdds: 0, activationBytes: 0 };
  for (const [i, row] of layers.entries()) {
    assert.deepEqual(Object.keys(row), [
      ...["name", "kind", "shape", "parameters", "statistics", "multiplyAdds", "bytes"],
      ...["tensors", "inputs"],
    ]);
    assert.equal(typeof row.name, "string");
    assert.equal(typeof row.kind, "string");
    assert.ok(row.shape.every(Number.isInteger) && row.shape.length >= 1);
    assert.ok(row.inputs.every((input: number) => input >= -1 && input < i));
    for (const { name, shape } of row.tensors) {
      assert.ok(name.startsWith(`${row.name}/`) && shape.length > 0);
    }
    sums.parameters += row.parameters;
    sums.statistics += row.statistics;
    sums.multiplyAdds += row.multiplyAdds;
    sums.activationBytes += row.bytes;
  }
  assert.deepEqual(totals, { ...sums, parameterBytes: 4 * sums.parameters });
  assert.equal(totals.parameters, 1_703_258 - 3 * 257, "three classes fewer");
  assert.match(await Deno.readTextFile(path), /^<svg xmlns=.*<\/svg>$/s);
});

Deno.test("a model of one's own is described, and drawn as PNG", async () => {
  await using folder = await temporaryFolder();
  const [model, picture] = ["mine.ts", "net.PNG"].map((name) => join(folder.path, name));
  await Deno.writeTextFile(
    model,
    modelFile(`
      const x = conv(net, "eyes", images, { filters: 4, size: 3, stride: 2, weights });
      return dense(net, "verdict", flatten(x), { units: net.classes, weights });`),
  );
  const { code, out, err } = await kiln(
    ["describe", "--model", model, "--classes", "2", "--svg", picture],
  );
  assert.equal(code, 0, err);
  assert.match(out, /^mine: images of 16x16x3, 2 classes$/m);
  assert.match(out, /^eyes +conv 3x3 \/ 2 +8x8x4 +112 +6,912 +1,024$/m);
  assert.match(out, /^total +626 +7,424 +1,032$/m);
  const { width, height } = decode(await Deno.readFile(picture));
  assert.ok(width > 1000 && height > 600, `${width}x${height}`);
  assert.deepEqual((await namesIn(folder.path)).sort(), ["mine.ts", "net.PNG"]);
});

const MISTAKES: readonly [line: string, code: number, error: RegExp, hint: RegExp][] = [
  ["--model resnet-33", 2, /resnet of 33 layers .*6n \+ 2/, /./],
  ["--model refrence", 2, /unknown model "refrence"/, /did you mean reference\?/],
  ["--bottleneck", 2, /--bottleneck is read by --model resnet-N only/, /resnet-164/],
  ["--classes 0", 2, /--classes must be an integer from 1/, /--classes/],
  ["--format csv", 2, /--format must be one of table, json/, /./],
  ["--svg net.jpg", 2, /--svg must be a file that ends in \.svg or \.png/, /--svg model\.svg/],
  ["--svg deno.json/net.svg", 1, /Cannot (write|create) .*net\.svg: /, /./],
  ["--svg .", 2, /--svg must be a file that ends in/, /./],
  ["--model ./nowhere.ts", 1, /Cannot load the model \.\/nowhere\.ts/, /check the path/],
];

for (const [line, code, error, hint] of MISTAKES) {
  Deno.test(`describe ${line}: exit code ${code}`, async () => {
    const outcome = await kiln(["describe", ...line.split(" ")]);
    assertMistake(outcome, { code, error, hint });
    assert.equal(outcome.out, "", "nothing is shown first");
  });
}

Deno.test("a model whose own code fails is told in one line, and no picture is left", async () => {
  await using folder = await temporaryFolder();
  const model = join(folder.path, "mine.ts");
  await Deno.writeTextFile(
    model,
    modelFile(`return dense(net, "all", images, { units: net.classes, weights });`),
  );
  const outcome = await kiln(
    ["describe", "--model", model, "--svg", join(folder.path, "net.svg")],
  );
  const error = /^error: Cannot build the model .*mine\.ts:10:12: .*matmul/;
  assertMistake(outcome, { code: 1, error, hint: /^hint: mend its build function$/ });
  assert.deepEqual(await namesIn(folder.path), ["mine.ts"]);
});
