import assert from "node:assert/strict";
import { expandSource } from "../../src/webgpu/source.ts";

const squeeze = (text: string) => text.replace(/\s+/g, " ").trim();

Deno.test("use lines are filled in, each file once", () => {
  const uses = { "lib/a.wgsl": "//! use lib/b.wgsl\nfn a() {}\n", "lib/b.wgsl": "fn b() {}\n" };
  const text = "//! use lib/a.wgsl\n//! use lib/b.wgsl\nfn c() {}";
  assert.equal(squeeze(expandSource(text, { uses })), "fn b() {} fn a() {} fn c() {}");
});

Deno.test("an unknown use is an error, also one named like an object's method", () => {
  assert.throws(() => expandSource("//! use lib/none.wgsl", { uses: {} }), /lib\/none\.wgsl/);
  assert.throws(() => expandSource("//! use toString", { uses: {} }), /toString/);
});

Deno.test("const and alias lines are replaced by name, also in used files", () => {
  const text = "//! use lib/t.wgsl\nconst ROWS = 4u; // rows\nconst ROWS_LONG = 1u;\n";
  const result = expandSource(text, {
    uses: { "lib/t.wgsl": "alias elem = f32;" },
    lines: { ROWS: 16, elem: "f16" },
  });
  assert.equal(
    squeeze(result),
    "alias elem = f16; const ROWS = 16u; // rows const ROWS_LONG = 1u;",
  );
});

Deno.test("a line that is not there, or a value that is no u32, is an error", () => {
  const text = "const ROWS = 4u;\noverride COLS = 4u;\nconst HALF = 0.5;\n";
  for (const name of ["COLS", "HALF", "NONE"]) {
    assert.throws(() => expandSource(text, { uses: {}, lines: { [name]: 1 } }), SyntaxError);
  }
  assert.throws(() => expandSource(text, { uses: {}, lines: { ROWS: "f32" } }), SyntaxError);
  assert.throws(() => expandSource(text, { uses: {}, lines: { ROWS: 1.5 } }), RangeError);
  assert.throws(() => expandSource(text, { uses: {}, lines: { ROWS: -1 } }), RangeError);
});

Deno.test("a marked loop is repeated with its variable replaced as a whole word", () => {
  const text = "for (var i = 0u; i < 2u; i++) { //! unroll\n a[i] = p.i + ii + b[i + i];\n}\nend";
  assert.equal(
    squeeze(expandSource(text, { uses: {} })),
    "{ a[0u] = p.i + ii + b[0u + 0u]; } { a[1u] = p.i + ii + b[1u + 1u]; } end",
  );
});

Deno.test("nested loops unroll, bounded by replaced const lines; braces in comments are skipped", () => {
  const text = `const R = 1u;
for (var r = 0u; r < R; r++) { //! unroll
  for (var c = 0u; c < 2u; c++) { //! unroll why: {
    // }
    if (x) { f(r, c); }
  }
  for (var k = 0u; k < n; k++) { g(r); }
}
for (var q = 0u; q < 1u; q++) { //! unroll
  h(q);
}`;
  const once = (r: number) =>
    `{ { // } if (x) { f(${r}u, 0u); } } { // } if (x) { f(${r}u, 1u); } } ` +
    `for (var k = 0u; k < n; k++) { g(${r}u); } }`;
  assert.equal(
    squeeze(expandSource(text, { uses: {}, lines: { R: 2 } })),
    `const R = 2u; ${once(0)} ${once(1)} { h(0u); }`,
  );
});

Deno.test("a bound may be a product of integers and const lines", () => {
  const text = "const R = 1u;\nfor (var i = 0u; i < 2u * R; i++) { //! unroll\nf(i);\n}";
  assert.equal(squeeze(expandSource(text, { uses: {} })), "const R = 1u; { f(0u); } { f(1u); }");
});

Deno.test("a bound that is not known, a start that is not 0 and an open block are errors", () => {
  const loop = (head: string) => `for (${head}) { //! unroll\n f(i);\n}`;
  assert.throws(
    () => expandSource(loop("var i = 0u; i < n; i++"), { uses: {} }),
    /Cannot unroll to n/,
  );
  assert.throws(() => expandSource(loop("var i = 1u; i < 4u; i++"), { uses: {} }), SyntaxError);
  assert.throws(
    () => expandSource("for (var i = 0u; i < 2u; i++) { //! unroll\n {", { uses: {} }),
    /not closed/,
  );
});
