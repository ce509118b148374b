import assert from "node:assert/strict";
import { createReporter } from "../../src/data/acquire/progress.ts";

function record(terminal: boolean) {
  const clock = { ms: 0 };
  const written: string[] = [];
  const output = { terminal, write: (text: string) => void written.push(text) };
  return { clock, written, reporter: createReporter(output, () => clock.ms) };
}

Deno.test("without a terminal, progress is one plain line for each tenth", () => {
  const { clock, written, reporter } = record(false);
  for (let done = 0; done <= 1000; done++) {
    clock.ms = done;
    reporter.progress("downloading", done * 1e5, 1e8);
  }
  assert.equal(written.length, 11);
  assert.equal(written[0], "downloading 0 %, 0.0 of 100.0 MB\n");
  assert.equal(written[5], "downloading 50 %, 50.0 of 100.0 MB  100.0 MB/s\n");
  assert.ok(!written.join("").includes("\r") && !written.join("").includes("\x1b"));
});

Deno.test("on a terminal, progress is a bar that is drawn again at most each 100 ms", () => {
  const { clock, written, reporter } = record(true);
  for (let done = 0; done <= 1000; done++) {
    clock.ms = done;
    reporter.progress("downloading", done * 1e5, 1e8);
  }
  assert.equal(written.length, 11);
  assert.equal(
    written[5],
    `\r\x1b[Kdownloading ${"█".repeat(15)}${"░".repeat(15)} 50.0 of 100.0 MB  100.0 MB/s  1 s left`,
  );
  assert.match(written[10], /█{30} 100\.0 of 100\.0 MB .*MB\/s\n$/);
});

Deno.test("a message clears an unfinished bar", () => {
  const { written, reporter } = record(true);
  reporter.progress("downloading", 1, 2);
  reporter.message("the connection broke");
  reporter.message("trying again");
  assert.deepEqual(written.slice(1), ["\r\x1b[Kthe connection broke\n", "trying again\n"]);
});

Deno.test("the rate of a resumed download counts only what came since", () => {
  const { clock, written, reporter } = record(false);
  reporter.progress("downloading", 90e6, 100e6);
  clock.ms = 1000;
  reporter.progress("downloading", 100e6, 100e6);
  assert.match(written[1], /10\.0 MB\/s\n$/);
});
