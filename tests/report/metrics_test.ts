import assert from "node:assert/strict";
import { join } from "node:path";
import { openMetrics, parseMetrics, readMetrics } from "../../src/report/metrics.ts";

function inTemporaryFolder(body: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("records are appended a line each and read back, across openings", () => {
  inTemporaryFolder((folder) => {
    const path = join(folder, "metrics.jsonl");
    {
      using metrics = openMetrics(path);
      metrics.write({ step: 0, loss: 4.68 });
      // Visible before the file is closed.
      assert.equal(Deno.readTextFileSync(path), '{"step":0,"loss":4.68}\n');
    }
    {
      using metrics = openMetrics(path);
      metrics.write({ step: 10, note: "a\nb", done: true, precision: null });
    }
    assert.deepEqual(readMetrics(path), [
      { step: 0, loss: 4.68 },
      { step: 10, note: "a\nb", done: true, precision: null },
    ]);
  });
});

Deno.test("numbers that JSON lacks are written as words", () => {
  inTemporaryFolder((folder) => {
    const path = join(folder, "metrics.jsonl");
    using metrics = openMetrics(path);
    metrics.write({ nan: NaN, up: Infinity, down: -Infinity });
    assert.deepEqual(readMetrics(path), [{ nan: "NaN", up: "Infinity", down: "-Infinity" }]);
  });
});

Deno.test("a last line cut short is not read, and gone after the next opening", () => {
  inTemporaryFolder((folder) => {
    const path = join(folder, "metrics.jsonl");
    for (const whole of ["", '{"step":1}\n', '{"step":1}\n'.repeat(200_000)]) {
      Deno.writeTextFileSync(path, `${whole}{"step":2,"lo`);
      const count = whole.split("\n").length - 1;
      assert.equal(readMetrics(path).length, count);
      openMetrics(path).write({ step: 3 });
      const records = readMetrics(path);
      assert.equal(records.length, count + 1);
      assert.deepEqual(records.at(-1), { step: 3 });
    }
  });
});

Deno.test("a broken line before the last is an error with its number", () => {
  for (const line of ["", "{", "[1]", "null", "3"]) {
    assert.throws(() => parseMetrics(`{"a":1}\n${line}\n{"b":2}\n`, "m.jsonl"), {
      name: "DataError",
      message: "m.jsonl, line 2: expected a JSON object",
    });
  }
  assert.deepEqual(parseMetrics("", "m.jsonl"), []);
});

Deno.test("missing files and folders are errors that name them; a closed writer is a bug", () => {
  inTemporaryFolder((folder) => {
    const path = join(folder, "none", "metrics.jsonl");
    assert.throws(() => openMetrics(path), {
      name: "UserError",
      message: `Cannot write ${path}: no such file or folder`,
    });
    assert.throws(() => readMetrics(path), {
      name: "UserError",
      message: `Cannot read ${path}: no such file or folder`,
    });
    const metrics = openMetrics(join(folder, "m.jsonl"));
    metrics.close();
    metrics.close();
    assert.throws(() => metrics.write({}), /it is closed$/);
  });
});
