import assert from "node:assert/strict";
import { createConsole, formatSections, stdoutTerminal } from "../../src/report/console.ts";
import { type Progress, progressLine } from "../../src/report/progress.ts";

const PROGRESS: Progress = {
  step: 615,
  totalSteps: 2000,
  loss: 3.0194,
  learningRate: 0.1,
  imagesPerSec: 104.4,
  secondsLeft: 1704,
};

const CLEAR = "\r\x1b[2K";

/** A terminal that keeps what is written, and its clock in milliseconds. */
function fake(isTerminal: boolean, width = 120) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const terminal = {
    write: (text: string) => void written.push(text),
    isTerminal,
    color: false,
    columns: () => width,
  };
  return { written, clock, console: createConsole(terminal, () => clock.ms) };
}

Deno.test("the progress line says step, share, loss, rate, speed and time left", () => {
  assert.equal(
    progressLine(PROGRESS, 200, false),
    "step   615/2,000 [============>                           ]  30.7 %  loss 3.02  lr 0.1  " +
      "104 images/s  ETA 28:24",
  );
  assert.equal(
    progressLine({ ...PROGRESS, step: 2000, learningRate: 0.1 ** 5, secondsLeft: 0 }, 96, false),
    "step 2,000/2,000 [=====================] 100.0 %  loss 3.02  lr 0.00001  104 images/s  ETA 0:00",
  );
});

Deno.test("the progress line fits any width", () => {
  for (let columns = 0; columns <= 150; columns++) {
    const line = progressLine(PROGRESS, columns, false);
    assert.ok(line.length <= Math.max(0, columns - 1), `${columns}: ${line}`);
    if (columns > 90) assert.ok(line.endsWith("ETA 28:24"), line);
  }
  assert.ok(!progressLine(PROGRESS, 80, false).includes("["));
});

Deno.test("color changes nothing but the color of the bar", () => {
  const plain = progressLine(PROGRESS, 120, false);
  const colored = progressLine(PROGRESS, 120, true);
  assert.notEqual(colored, plain);
  // deno-lint-ignore no-control-regex
  assert.equal(colored.replace(/\x1b\[\d+m/g, ""), plain);
});

Deno.test("a share out of bounds or an unknown time do not break the line", () => {
  const line = progressLine({ ...PROGRESS, step: 3000, secondsLeft: NaN }, 120, false);
  assert.ok(line.includes("100.0 %") && line.endsWith("ETA -:--"), line);
});

Deno.test("on a terminal a log line takes the place of the progress line, which follows it", () => {
  const { console, written } = fake(true);
  const line = progressLine(PROGRESS, 120, false);
  console.log("first");
  console.progress(PROGRESS);
  console.log("second");
  console.clear();
  console.clear();
  console.log("third");
  assert.deepEqual(written, [
    "first\n",
    `${CLEAR}${line}`,
    `${CLEAR}second\n${line}`,
    CLEAR,
    "third\n",
  ]);
});

Deno.test("the progress line is drawn at most ten times a second", () => {
  const { console, clock, written } = fake(true);
  for (clock.ms = 0; clock.ms < 1000; clock.ms += 10) console.progress(PROGRESS);
  assert.equal(written.length, 10);
});

Deno.test("into a file or a pipe go whole lines only", () => {
  const { console, written } = fake(false);
  console.progress(PROGRESS);
  console.log("line");
  console.clear();
  assert.deepEqual(written, ["line\n"]);
});

Deno.test("leaving the scope clears the progress line", () => {
  const { console, written } = fake(true);
  {
    using scoped = console;
    scoped.progress(PROGRESS);
  }
  assert.equal(written.at(-1), CLEAR);
});

Deno.test("standard output has a width even where it is no terminal", () => {
  const terminal = stdoutTerminal();
  assert.ok(terminal.columns() > 0);
  assert.ok(terminal.isTerminal || !terminal.color);
});

Deno.test("sections line up in the same columns", () => {
  assert.equal(
    formatSections([
      { heading: "Config", rows: [["steps", 2000], ["batch size", 128]] },
      { heading: "Model", rows: [["weights", "1,068,298"]] },
    ]),
    [
      "Config",
      "  steps       2000",
      "  batch size  128",
      "Model",
      "  weights     1,068,298",
    ].join("\n"),
  );
});

Deno.test("a status is shown where a progress line is, cut to the width", () => {
  const { written, console } = fake(true, 12);
  console.status("evaluating 128/20,000 images");
  assert.deepEqual(written, [`${CLEAR}evaluating `]);
  console.log("done");
  assert.equal(written[1], `${CLEAR}done\nevaluating `);
  const plain = fake(false);
  plain.console.status("evaluating");
  assert.deepEqual(plain.written, []);
});
