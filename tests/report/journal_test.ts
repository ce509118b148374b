/** The file of metrics as a journal: moments to go back to, and a disk that is full for a while. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openMetrics, readMetrics } from "../../src/report/metrics.ts";
import type { UserError } from "../../src/util/errors.ts";

function inTemporaryFile(body: (path: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    body(join(folder, "metrics.jsonl"));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function stepsOf(path: string): unknown[] {
  return readMetrics(path).map(({ step }) => step);
}

/** A disk that takes so many more bytes: what is beyond is refused as Linux refuses it. */
class SmallDisk implements Disposable {
  room: number;
  readonly #real = Deno.FsFile.prototype.writeSync;

  constructor(room: number) {
    this.room = room;
    const real = this.#real;
    const take = (bytes: number) => {
      if (this.room === 0) {
        throw Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
      }
      const taken = Math.min(bytes, this.room);
      this.room -= taken;
      return taken;
    };
    Deno.FsFile.prototype.writeSync = function (bytes) {
      return real.call(this, bytes.subarray(0, take(bytes.length)));
    };
  }

  [Symbol.dispose](): void {
    Deno.FsFile.prototype.writeSync = this.#real;
  }
}

/** Bytes of `{"step":1}` and its newline. */
const LINE = 11;

Deno.test("sync returns the bytes of all lines so far, across openings", () => {
  inTemporaryFile((path) => {
    {
      using metrics = openMetrics(path);
      assert.equal(metrics.sync(), 0);
      metrics.write({ step: 1 });
      assert.equal(metrics.sync(), LINE);
      metrics.write({ note: "\u00fc" });
      assert.equal(metrics.sync(), LINE + 14, "bytes, not characters");
    }
    Deno.writeTextFileSync(path, '{"ste', { append: true });
    using metrics = openMetrics(path);
    assert.equal(metrics.sync(), LINE + 14, "without half a line");
    assert.equal(Deno.statSync(path).size, LINE + 14);
  });
});

Deno.test("sync hands the lines to the disk", () => {
  inTemporaryFile((path) => {
    using metrics = openMetrics(path);
    metrics.write({ step: 1 });
    const real = Deno.FsFile.prototype.syncSync;
    const sizes: number[] = [];
    Deno.FsFile.prototype.syncSync = function () {
      sizes.push(this.statSync().size);
      real.call(this);
    };
    try {
      metrics.sync();
      assert.deepEqual(sizes, [LINE], "once, with all lines written");
      Deno.FsFile.prototype.syncSync = () => {
        throw Object.assign(new Error("x"), { code: "EIO" });
      };
      assert.throws(() => metrics.sync(), { name: "UserError", message: /read or write error$/ });
    } finally {
      Deno.FsFile.prototype.syncSync = real;
    }
  });
});

Deno.test("rewind goes back to a moment, and what is written then follows it", () => {
  inTemporaryFile((path) => {
    using metrics = openMetrics(path);
    metrics.write({ step: 1 });
    const moment = metrics.sync();
    metrics.write({ step: 2 });
    metrics.write({ step: 3 });
    assert.equal(metrics.rewind(moment), true);
    assert.deepEqual(stepsOf(path), [1]);
    assert.equal(metrics.sync(), moment);
    metrics.write({ step: 4 });
    assert.deepEqual(stepsOf(path), [1, 4]);
    assert.equal(metrics.rewind(2 * LINE), true, "to its very end");
    assert.deepEqual(stepsOf(path), [1, 4]);
    assert.equal(metrics.rewind(0), true);
    assert.equal(Deno.statSync(path).size, 0);
    metrics.write({ step: 5 });
    assert.deepEqual(stepsOf(path), [5]);
  });
});

Deno.test("rewind into a line cuts it off whole", () => {
  inTemporaryFile((path) => {
    using metrics = openMetrics(path);
    for (const step of [1, 2, 3]) metrics.write({ step });
    assert.equal(metrics.rewind(2 * LINE - 1), true);
    assert.equal(metrics.sync(), LINE);
    metrics.write({ step: 4 });
    assert.deepEqual(stepsOf(path), [1, 4]);
  });
});

Deno.test("a file that is shorter than the moment stays as it is", () => {
  inTemporaryFile((path) => {
    using metrics = openMetrics(path);
    metrics.write({ step: 1 });
    assert.equal(metrics.rewind(LINE + 1), false);
    assert.deepEqual(stepsOf(path), [1]);
    metrics.write({ step: 2 });
    assert.deepEqual(stepsOf(path), [1, 2]);
  });
});

Deno.test("without onFull a full disk is an error, and half of no line stays", () => {
  inTemporaryFile((path) => {
    const metrics = openMetrics(path);
    metrics.write({ step: 1 });
    {
      using _disk = new SmallDisk(5);
      assert.throws(() => metrics.write({ step: 2 }), {
        name: "UserError",
        message: `Cannot write ${path}: no space left`,
        hint: /free some space/,
      });
      assert.equal(Deno.readTextFileSync(path), '{"step":1}\n');
    }
    metrics.close();
    assert.deepEqual(stepsOf(path), [1, 2], "what was refused is tried again at the end");
  });
});

Deno.test("with onFull lines wait in memory, and are written later in their order", () => {
  inTemporaryFile((path) => {
    const told: UserError[] = [];
    using metrics = openMetrics(path, { onFull: (error) => told.push(error) });
    using disk = new SmallDisk(LINE + 4);
    for (const step of [1, 2, 3, 4]) metrics.write({ step });
    assert.deepEqual(told.map(({ message }) => message), [`Cannot write ${path}: no space left`]);
    assert.equal(Deno.readTextFileSync(path), '{"step":1}\n', "no half line");
    assert.throws(() => metrics.sync(), { name: "UserError", message: /no space left$/ });
    // Two of the lines that wait fit, and a part of the third.
    disk.room = 2 * LINE + 3;
    metrics.write({ step: 5 });
    assert.equal(Deno.readTextFileSync(path), '{"step":1}\n{"step":2}\n{"step":3}\n');
    assert.equal(told.length, 1, "it is told once");
    disk.room = 1000;
    assert.equal(metrics.sync(), 5 * LINE);
    assert.deepEqual(stepsOf(path), [1, 2, 3, 4, 5]);
    disk.room = 0;
    metrics.write({ step: 6 });
    assert.equal(told.length, 2, "and once more when it was free meanwhile");
    disk.room = 1000;
    metrics.write({ step: 7 });
    assert.deepEqual(stepsOf(path), [1, 2, 3, 4, 5, 6, 7]);
  });
});

Deno.test("rewind forgets the lines that wait", () => {
  inTemporaryFile((path) => {
    using metrics = openMetrics(path, { onFull: () => {} });
    metrics.write({ step: 1 });
    {
      using _disk = new SmallDisk(0);
      metrics.write({ step: 2 });
      assert.equal(metrics.rewind(LINE), true);
    }
    metrics.write({ step: 3 });
    assert.deepEqual(stepsOf(path), [1, 3]);
  });
});

Deno.test("whatever is no full disk is an error with onFull, too", () => {
  inTemporaryFile((path) => {
    const metrics = openMetrics(path, { onFull: () => assert.fail("it is not full") });
    const real = Deno.FsFile.prototype.writeSync;
    Deno.FsFile.prototype.writeSync = () => {
      throw Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" });
    };
    try {
      assert.throws(() => metrics.write({ step: 1 }), {
        name: "UserError",
        message: /read or write/,
      });
    } finally {
      Deno.FsFile.prototype.writeSync = real;
    }
    metrics.close();
  });
});

Deno.test("close is an error where lines are left, and harmless once more", () => {
  inTemporaryFile((path) => {
    const metrics = openMetrics(path, { onFull: () => {} });
    metrics.write({ step: 1 });
    using disk = new SmallDisk(3);
    metrics.write({ step: 2 });
    disk.room = 3;
    assert.throws(() => metrics.close(), { name: "UserError", message: /no space left$/ });
    assert.equal(Deno.readTextFileSync(path), '{"step":1}\n');
    metrics.close();
    assert.throws(() => metrics.write({ step: 3 }), /it is closed$/);
    assert.throws(() => metrics.sync(), /it is closed$/);
    assert.throws(() => metrics.rewind(0), /it is closed$/);
  });
});

Deno.test("close writes what waited, where there is space again", () => {
  inTemporaryFile((path) => {
    const metrics = openMetrics(path, { onFull: () => {} });
    {
      using _disk = new SmallDisk(0);
      metrics.write({ step: 1 });
      metrics.write({ step: 2 });
    }
    metrics.close();
    assert.deepEqual(stepsOf(path), [1, 2]);
  });
});

Deno.test("an error that leaves the block is not hidden by lines that are left", () => {
  inTemporaryFile((path) => {
    using _disk = new SmallDisk(0);
    assert.throws(() => {
      using metrics = openMetrics(path, { onFull: () => {} });
      metrics.write({ step: 1 });
      throw new RangeError("the one to tell");
    }, { name: "RangeError", message: "the one to tell" });
  });
});
