/** What a shader's text tells of its interface, and which texts are refused rather than guessed at. */
import assert from "node:assert/strict";
import { reflect } from "../../src/webgpu/reflect.ts";

const SHADER = `// y = factor x
override FUNCTION: u32;
override SAME: bool;
const ROWS = 4u;
alias elem = f32;
struct Params {
  length: u32,
  shift: i32, // a comment, with a: colon
  factor: f32,
}
@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<elem>;
@group(0) @binding(2) var<uniform> p: Params;
@compute @workgroup_size(64) fn main() {}
`;

function refused(text: string, message: RegExp): void {
  assert.throws(() => reflect("scale", text), (error: Error) => {
    assert.ok(error instanceof SyntaxError, String(error));
    assert.match(error.message, /^scale: /);
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("a shader's interface is read from its text", () => {
  assert.deepEqual(reflect("scale", SHADER), {
    buffers: ["x", "y"],
    access: ["read", "read_write"],
    overrides: { FUNCTION: "u32", SAME: "bool" },
    lines: { ROWS: 4 },
    aliases: { elem: "f32" },
    params: { length: "u32", shift: "i32", factor: "f32" },
    subgroups: false,
  });
});

Deno.test("subgroup operations are noticed, comments are not", () => {
  assert.equal(reflect("a", "fn main() { let s = subgroupAdd(x); }").subgroups, true);
  assert.equal(reflect("a", "// subgroupAdd(x)\nfn main() {}").subgroups, false);
  const commented = "// @group(0) @binding(5) var<storage, read> z: array<f32>;\n" + SHADER;
  assert.deepEqual(reflect("a", commented).buffers, ["x", "y"]);
});

Deno.test("bindings out of order, with gaps or in another group are refused", () => {
  refused(SHADER.replace("@binding(0)", "@binding(1)"), /counted from 0, in order: .*binding\(1\)/);
  refused(SHADER.replace("@binding(2)", "@binding(3)"), /counted from 0, in order/);
  refused(SHADER.replace("@group(0) @binding(1)", "@group(1) @binding(1)"), /@group\(0\)/);
});

Deno.test("the uniform must be called p and come last", () => {
  refused(SHADER.replace("> p: Params", "> q: Params"), /must be called p/);
  const early = SHADER.replace("@binding(1)", "@binding(9)").replace("@binding(2)", "@binding(1)")
    .replace("@binding(9)", "@binding(2)").replace(
      /(.*binding\(2\).*\n)(.*binding\(1\).*\n)/,
      "$2$1",
    );
  refused(early, /must be the last binding/);
});

Deno.test("Params without a uniform and a uniform without Params are refused", () => {
  refused(SHADER.replace(/^.*var<uniform>.*\n/m, ""), /go together/);
  refused(SHADER.replace(/struct Params \{[^}]*\}\n/, ""), /go together/);
});

Deno.test("storage must say its access, and values must be scalars", () => {
  refused(SHADER.replace("storage, read>", "storage>"), /must be read or read_write/);
  refused(SHADER.replace("storage, read>", "storage, write>"), /must be read or read_write/);
  refused(SHADER.replace("factor: f32", "factor: vec4f"), /factor must be a scalar, not vec4f/);
  refused(SHADER.replace("SAME: bool", "SAME: f16"), /SAME must be a scalar, not f16/);
});
