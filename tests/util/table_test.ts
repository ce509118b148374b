import assert from "node:assert/strict";
import { formatTable } from "../../src/util/table.ts";

Deno.test("columns of numbers go right, others left, under heading and titles", () => {
  const rows = [["conv1", "3.2 ms", "1,024", 12.5], ["softmax_linear", "12.25 ms", "-", 3]];
  assert.equal(
    formatTable(rows, { heading: "Kernels", columns: ["name", "time", "calls", "share"] }),
    [
      "Kernels",
      "name                time  calls  share",
      "--------------  --------  -----  -----",
      "conv1             3.2 ms  1,024   12.5",
      "softmax_linear  12.25 ms      -      3",
    ].join("\n"),
  );
});

Deno.test("titles stand over their columns on the same side", () => {
  const text = formatTable([["a", 100000]], { columns: ["name", "n"] });
  assert.deepEqual(text.split("\n"), ["name       n", "----  ------", "a     100000"]);
});

Deno.test("a column with one word in it stays left; align overrides", () => {
  const rows = [["steps", "2000"], ["device", "auto"]];
  assert.equal(formatTable(rows), "steps   2000\ndevice  auto");
  assert.equal(formatTable([["a", "1"], ["b", "22"]], { align: "ll" }), "a  1\nb  22");
  assert.equal(formatTable([["a", "x"], ["b", "yy"]], { align: "rr" }), "a   x\nb  yy");
});

Deno.test("short rows, no rows, indents and wide letters", () => {
  assert.equal(formatTable([["a", "bb", "c"], ["dd"]], { indent: 2 }), "  a   bb  c\n  dd");
  assert.equal(formatTable([]), "");
  assert.equal(formatTable([], { heading: "Nothing" }), "Nothing");
  assert.equal(formatTable([["\u{1F4A1}", "x"], ["ab", "y"]]), "\u{1F4A1}   x\nab  y");
});
