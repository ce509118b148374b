/** The picture of a network: what is folded, and that the page is XML that names every layer. */
import assert from "node:assert/strict";
import { decode } from "npm:fast-png@8.0.0";
import { createModel } from "../../src/nn/model.ts";
import { foldNetwork } from "../../src/report/network_fold.ts";
import { familyOf, glyphScale } from "../../src/report/network_glyphs.ts";
import { networkSvg } from "../../src/report/network_picture.ts";
import { openPainter } from "../../src/report/picture.ts";
import { type LayerRow, type LayerTable, layerTable } from "../../src/train/layer_table.ts";
import { loadModel } from "../../src/train/models.ts";

const painter = await openPainter([], assert.fail);

async function tableOf(model: string, bottleneck = false): Promise<LayerTable> {
  return layerTable(createModel(await loadModel({ model, bottleneck }), 10));
}

/** A table of rows whose names, kinds and inputs matter, each of [4, 4, 2]. */
function handmade(
  rows: readonly (readonly [name: string, inputs?: readonly number[], kind?: string])[],
): LayerTable {
  const layers = rows.map(([name, inputs, kind = "conv 3x3"], i): LayerRow => ({
    ...{ name, kind, shape: [4, 4, 2], inputs: inputs ?? [i - 1] },
    ...{ parameters: 9, statistics: 0, multiplyAdds: 16, bytes: 128, tensors: [] },
  }));
  const count = layers.length;
  return {
    ...{ model: 'a <b> & "c"', image: [4, 4, 3], classes: 2, layers },
    totals: {
      ...{ parameters: 9 * count, statistics: 0, multiplyAdds: 16 * count },
      ...{ parameterBytes: 36 * count, activationBytes: 128 * count },
    },
  };
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };

/** The texts and titles of a document; fails if it is no well-formed XML. */
function readXml(svg: string): { texts: string[]; titles: string[] } {
  const texts: string[] = [], titles: string[] = [], open: string[] = [];
  const decoded = (text: string) => text.replace(/&(\w+);/g, (_, name: string) => ENTITIES[name]);
  let end = 0;
  const tag = /<(\/?)([a-z]+)((?: [a-zA-Z-]+="[^"<&]*")*)(\/?)>([^<]*)/g;
  for (const match of svg.matchAll(tag)) {
    assert.equal(match.index, end, `no XML: ${svg.slice(end, end + 80)}`);
    const [whole, closes, name, , empty, text] = match;
    end = match.index + whole.length;
    assert.match(text, /^([^&]|&(amp|lt|gt|quot);)*$/);
    if (closes === "/") assert.equal(open.pop(), name);
    else if (empty === "") open.push(name);
    if (closes === "" && name === "text") texts.push(decoded(text));
    else if (closes === "" && name === "title") titles.push(decoded(text));
    else assert.equal(text, "");
  }
  assert.equal(end, svg.length);
  assert.deepEqual(open, []);
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  return { texts, titles };
}

Deno.test("the reference's page names every layer, with its numbers", async () => {
  const table = await tableOf("reference");
  const { texts, titles } = readXml(networkSvg(painter, table));
  for (const { name, shape } of table.layers) {
    assert.ok(texts.includes(name), name);
    assert.ok(texts.includes(shape!.join("×")), name);
    assert.ok(titles.some((title) => title.startsWith(`${name}: `)), name);
  }
  for (const text of ["1,068,298", "18.47 M", "4.08 MiB", "299 KiB", "102,464", "14.75 M"]) {
    assert.ok(texts.includes(text), text);
  }
  assert.ok(texts.includes("local3  82.9 %"));
});

const FOLDED: readonly [name: string, bottleneck: boolean, frames: Record<string, number>][] = [
  ["resnet-32", false, {
    unit_1_0: 1,
    "unit_1_1 … unit_1_4": 4,
    unit_2_0: 1,
    "unit_2_1 … unit_2_4": 4,
    unit_3_0: 1,
    "unit_3_1 … unit_3_4": 4,
  }],
  ["resnet-164", true, {
    unit_1_0: 1,
    "unit_1_1 … unit_1_17": 17,
    unit_2_0: 1,
    "unit_2_1 … unit_2_17": 17,
    unit_3_0: 1,
    "unit_3_1 … unit_3_17": 17,
  }],
  ["resnet-v1-20", false, {
    stem: 1,
    "unit_1_0 … unit_1_2": 3,
    unit_2_0: 1,
    "unit_2_1 … unit_2_2": 2,
    unit_3_0: 1,
    "unit_3_1 … unit_3_2": 2,
  }],
];

for (const [name, bottleneck, frames] of FOLDED) {
  Deno.test(`${name} is folded, and every layer or its fold is named`, async () => {
    const table = await tableOf(name, bottleneck);
    const items = foldNetwork(table.layers);
    const found = items.filter(({ framed }) => framed).map((
      { title, repeats },
    ) => [title, repeats]);
    assert.deepEqual(Object.fromEntries(found), frames);
    const stands = items.flatMap(({ first, size, repeats }) =>
      Array.from({ length: size * repeats }, (_, i) => first + i)
    );
    assert.deepEqual(stands, table.layers.map((_, i) => i), "each row once, in their order");

    const svg = networkSvg(painter, table);
    const { texts, titles } = readXml(svg);
    for (const { name } of table.layers) {
      const [scope, ...local] = name.split("/");
      const isNamed = texts.includes(name) ||
        titles.some((title) => title.split(", ").includes(scope)) &&
          texts.includes(local.join("/"));
      assert.ok(isNamed, name);
    }
    for (const [title, repeats] of Object.entries(frames)) {
      assert.ok(texts.includes(title), title);
      if (repeats > 1) assert.ok(texts.includes(`× ${repeats}`), title);
    }
    const { width, height } = decode(painter.draw(svg));
    assert.ok(width < 2600 && height < 5000, `${width}x${height}`);
    // An arc's start has a dot with this radius: one for each residual sum, two with a projection.
    const units = Object.keys(frames).filter((title) => title.startsWith("unit"));
    const arcs = svg.match(/r="2\.6"/g) ?? [];
    assert.equal(arcs.length, units.length + (bottleneck ? 3 : 0));
  });
}

Deno.test("short networks, and items that differ, are not folded", () => {
  const alike = (count: number) =>
    handmade(Array.from({ length: count }, (_, i) => [`conv_${i}`] as const));
  assert.equal(foldNetwork(alike(20).layers).length, 20);
  assert.deepEqual(
    foldNetwork(alike(21).layers).map(({ title, size, repeats }) => [title, size, repeats]),
    [["conv_0 … conv_20", 1, 21]],
  );
  const pairs = Array.from(
    { length: 24 },
    (_, i) => [`layer_${i}`, [i - 1], i % 2 === 0 ? "conv 3x3" : "batch norm"] as const,
  );
  assert.deepEqual(
    foldNetwork(handmade(pairs).layers).map(({ title, size, repeats }) => [title, size, repeats]),
    [["layer_0 … layer_23", 2, 12]],
  );
  const skips = pairs.map(([name, inputs, kind], i) =>
    [name, i === 9 ? [0, 8] : inputs, kind] as const
  );
  const items = foldNetwork(handmade(skips).layers);
  assert.deepEqual(
    items.map(({ first }) => first),
    [0, 8, 9, 10],
    "another input is another layer",
  );
});

Deno.test("a scope of many layers is shown as its inner scopes", () => {
  const rows = [0, 1, 2].flatMap((unit) =>
    [0, 1, 2, 3, 4].map((i) => [`stage/unit_${unit}/conv_${i}`, undefined, `conv ${unit}`] as const)
  );
  assert.deepEqual(
    foldNetwork(handmade(rows).layers).map(({ title, size }) => [title, size]),
    [["stage/unit_0", 5], ["stage/unit_1", 5], ["stage/unit_2", 5]],
  );
});

Deno.test("long lines break, and what comes from another line says from where", () => {
  const rows = Array.from(
    { length: 20 },
    (_, i) =>
      [
        `<layer>_&${i}`,
        i === 19 ? [0, 1, 18] : [i - 1],
        i === 19 ? "concat" : `conv ${i}`,
      ] as const,
  );
  const { texts } = readXml(networkSvg(painter, handmade(rows)));
  assert.ok(texts.includes("from <layer>_&0, <layer>_&1"));
  assert.ok(texts.includes('a <b> & "c"'));
  for (const [name] of rows) assert.ok(texts.includes(name), name);
});

Deno.test("a frame that is wider than a page is drawn in pieces", () => {
  const rows = Array.from({ length: 12 }, (_, i) => [`scope/a_long_layer_name_${i}`] as const);
  const svg = networkSvg(painter, handmade(rows));
  const { texts } = readXml(svg);
  for (const [name] of rows) assert.ok(texts.includes(name.slice("scope/".length)), name);
  assert.equal(texts.filter((text) => text === "scope").length, 2);
  const width = Number(/width="(\d+)"/.exec(svg)![1]);
  assert.ok(width > 600 && width < 1300, String(width));
});

Deno.test("a network without work, shapes or width is drawn too", () => {
  const table = handmade([["x".repeat(300)]]);
  const [row] = table.layers;
  const empty = { ...row, name: "w", shape: null, parameters: 0, multiplyAdds: 0, inputs: [] };
  const totals = { ...table.totals, parameters: 0, multiplyAdds: 0 };
  const layers = [{ ...row, parameters: 0, multiplyAdds: 0 }, { ...empty }];
  const { titles } = readXml(networkSvg(painter, { ...table, layers, totals }));
  assert.ok(titles.some((title) => title.startsWith(row.name)), "the whole name under the pointer");
});

Deno.test("boxes tell height, width and channels, and colors the kind of work", async () => {
  const glyphOf = glyphScale(await tableOf("reference"));
  const [images, conv1, pool1, pool2, local3, local4] = [-1, 0, 1, 5, 6, 7].map((row) =>
    glyphOf(row)
  );
  const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a} and ${b}`);
  close(conv1.box.up / pool1.box.up, Math.sqrt(2));
  close(conv1.box.back / pool2.box.back, 2);
  close(conv1.box.across / images.box.across, Math.sqrt(64 / 3));
  close(local3.box.up / local4.box.up, Math.sqrt(2));
  const kinds = ["conv 5x5, ReLU", "max pool 3x3 / 2", "response norm", "dense, ReLU", "add, ReLU"];
  assert.deepEqual(
    [...kinds, "batch norm, leaky ReLU", "local 3x3", "concat", "dropout"].map(familyOf),
    [
      ...["convolution", "pooling", "normalization", "dense", "merge"],
      ...["normalization", "convolution", "merge", "other"],
    ],
  );
});
