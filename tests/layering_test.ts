/** The house: folders import only from above, files keep to one subject, generated files are current. */
import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { generateKernels } from "../src/webgpu/generate.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The folders of src/, and what each may import; docs/architecture.md says why. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  util: [],
  formats: ["util"],
  engine: ["util"],
  webgpu: ["util", "engine"],
  wasm: ["util", "engine"],
  tensor: ["util", "engine"],
  ops: ["util", "engine", "webgpu", "wasm", "tensor"],
  nn: ["util", "engine", "tensor", "ops"],
  optim: ["util", "engine", "tensor", "ops"],
  data: ["util", "formats"],
  train: ["util", "formats", "engine", "webgpu", "wasm", "tensor", "ops", "nn", "optim", "data"],
  report: ["util", "formats", "train"],
  cli: [
    "util",
    "formats",
    "engine",
    "webgpu",
    "wasm",
    "tensor",
    "ops",
    "nn",
    "optim",
    "data",
    "train",
    "report",
  ],
};

/** Files that a folder may import although it may not import the folder: they import nothing. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  data: ["src/ops/augment_row.ts"],
};

const SOFT_LINES = 300;
const HARD_LINES = 500;
/** Files over the soft cap that are one subject all the same, with the reason. */
const LONG_FILES: Readonly<Record<string, string>> = {
  "src/ops/elementwise.ts": "one family of ops",
  "src/ops/layout.ts": "one family of ops",
  "src/ops/conv.ts": "one family of ops",
};

function* files(folder: string, ending: string): Generator<string> {
  for (const entry of Deno.readDirSync(join(ROOT, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* files(path, ending);
    else if (entry.name.endsWith(ending)) yield path;
  }
}

Deno.test("a folder of src/ imports only from the folders above it", () => {
  const wrong: string[] = [];
  let imports = 0;
  for (const path of files("src", ".ts")) {
    const layer = path.split("/")[1];
    assert.ok(layer in LAYERS, `${path} stands in no known folder`);
    const text = Deno.readTextFileSync(join(ROOT, path));
    for (const [, target] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
      imports++;
      const to = relative(ROOT, join(ROOT, dirname(path), target)).replaceAll("\\", "/");
      if (!to.startsWith("src/")) continue;
      const other = to.split("/")[1];
      if (EXCEPTIONS[layer]?.includes(to)) continue;
      if (other !== layer && !LAYERS[layer].includes(other)) wrong.push(`${path} imports ${to}`);
    }
  }
  assert.ok(imports > 100, "the imports were not found");
  assert.deepEqual(wrong, []);
});

Deno.test("no file is longer than one subject needs", () => {
  const wrong: string[] = [];
  const folders = ["src", "tests", "bench", "shaders"];
  for (const path of folders.flatMap((f) => [...files(f, ".ts"), ...files(f, ".wgsl")])) {
    if (path.endsWith(".gen.ts")) continue;
    const lines = Deno.readTextFileSync(join(ROOT, path)).split("\n").length - 1;
    const cap = path in LONG_FILES ? HARD_LINES : SOFT_LINES;
    if (lines > cap) wrong.push(`${path}: ${lines} lines, at most ${cap}`);
  }
  assert.deepEqual(wrong, []);
});

Deno.test("kernels.gen.ts is what `deno task gen` makes of the shaders", () => {
  const current = Deno.readTextFileSync(join(ROOT, "src/webgpu/kernels.gen.ts"));
  assert.equal(current, generateKernels(), "run: deno task gen");
});

Deno.test("every shader starts with its formula and is launched from TypeScript", () => {
  const sources = [...files("src", ".ts")].filter((path) => !path.endsWith(".gen.ts"))
    .map((path) => Deno.readTextFileSync(join(ROOT, path))).join("\n");
  for (const path of files("shaders", ".wgsl")) {
    const text = Deno.readTextFileSync(join(ROOT, path));
    assert.match(text, /^\/\/ /, `${path} has no header`);
    if (path.includes("/lib/")) continue;
    assert.match(text, /Dispatch:/, `${path} does not say how it is dispatched`);
    const name = path.slice("shaders/".length, -".wgsl".length);
    assert.ok(sources.includes(`"${name}"`), `${path} is launched by nothing`);
  }
});
