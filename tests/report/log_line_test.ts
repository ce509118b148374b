import assert from "node:assert/strict";
import { formatTimestamp, logLine, precisionLine, wallClock } from "../../src/report/log_line.ts";

const NOVEMBER = new Date(2015, 10, 4, 11, 45, 45, 927).getTime();

Deno.test("the log line is the tutorial's", () => {
  assert.equal(
    logLine({
      time: NOVEMBER + 0.302,
      step: 0,
      loss: 4.6774,
      examplesPerSec: 1.9931,
      secPerBatch: 64.2214,
    }),
    "2015-11-04 11:45:45.927302: step 0, loss = 4.68 (2.0 examples/sec; 64.221 sec/batch)",
  );
  assert.equal(
    logLine({ time: NOVEMBER, step: 12340, loss: 1, examplesPerSec: 597.44, secPerBatch: 0.2142 }),
    "2015-11-04 11:45:45.927000: step 12340, loss = 1.00 (597.4 examples/sec; 0.214 sec/batch)",
  );
});

Deno.test("the precision line is the tutorial's", () => {
  assert.equal(precisionLine(NOVEMBER, 0.86), "2015-11-04 11:45:45.927000: precision @ 1 = 0.860");
});

Deno.test("time is printed as Python prints it", () => {
  const january = new Date(2026, 0, 2, 3, 4, 5).getTime();
  assert.equal(formatTimestamp(january), "2026-01-02 03:04:05");
  assert.equal(formatTimestamp(january + 0.007), "2026-01-02 03:04:05.000007");
  assert.equal(formatTimestamp(january + 40), "2026-01-02 03:04:05.040000");
  assert.equal(formatTimestamp(january + 999.9999), "2026-01-02 03:04:06");
});

Deno.test("the wall clock runs with Date.now", () => {
  assert.ok(Math.abs(wallClock() - Date.now()) < 1000);
});
