/** The CPU engine's memory, threads and failures. */
import assert from "node:assert/strict";
import type { BoundLaunch, DeviceBuffer } from "../../src/engine/device.ts";
import { input, output } from "../../src/engine/launch.ts";
import { DeviceError } from "../../src/util/errors.ts";
import { WasmDevice } from "../../src/wasm/device.ts";
import { blocks, launch } from "../../src/wasm/launch.ts";

const LENGTH = 100_000;

function whole(buffer: DeviceBuffer) {
  return { buffer, offset: 0, bytes: buffer.bytes };
}

/** y = 2 x + 1. */
function doubling(x: DeviceBuffer, y: DeviceBuffer, length = LENGTH): BoundLaunch {
  return {
    launch: launch("affine", {
      buffers: { x: input(0), y: output },
      params: { length, factor: 2, offset: 1 },
      units: blocks(length),
    }),
    slices: [whole(x), whole(y)],
    label: "doubling",
  };
}

/** Writes far beyond the end of memory, in every unit. */
function trapping(x: DeviceBuffer): BoundLaunch {
  return {
    launch: launch("copy_region", {
      buffers: { x: input(0), y: output },
      params: { x_width: 4096, y_width: 0, y_start: 0x30000000 },
      units: 64,
    }),
    slices: [whole(x), whole(x)],
    label: "trap",
  };
}

async function run(device: WasmDevice, launches: readonly BoundLaunch[]): Promise<void> {
  const program = await device.prepare(launches);
  try {
    program.run();
  } finally {
    program.destroy();
  }
}

Deno.test("launches run in order on one, two and three threads, and are timed", async () => {
  for (const threads of [1, 2, 3]) {
    using device = await WasmDevice.open({ threads });
    const [x, y] = [device.allocate(LENGTH * 4, "x"), device.allocate(LENGTH * 4, "y")];
    device.write(whole(x), new Float32Array(LENGTH).map((_, i) => i));
    // Each launch reads what all threads wrote in the one before.
    const program = await device.prepare([doubling(x, y), doubling(y, x), doubling(x, y)]);
    assert.equal(program.dispatches, 3);
    for (let replay = 0; replay < 50; replay++) {
      device.write(whole(x), new Float32Array(LENGTH).map((_, i) => i));
      program.run();
      const values = new Float32Array(await device.read(whole(y)));
      for (const i of [0, 1, 4095, 4096, LENGTH - 1]) assert.equal(values[i], 8 * i + 7);
    }
    const times = await program.profile();
    assert.deepEqual(times.map(({ kernel, label }) => `${kernel} ${label}`), [
      "affine doubling",
      "affine doubling",
      "affine doubling",
    ]);
    assert.ok(times.every(({ nanoseconds }) => nanoseconds > 0));
    program.destroy();
  }
});

Deno.test("memory grows while threads run, and new memory is zero", async () => {
  using device = await WasmDevice.open({ threads: 2 });
  const x = device.allocate(4096, "x");
  device.write(whole(x), new Float32Array(1024).fill(7));
  for (let size = 1 << 20; size <= 1 << 26; size *= 4) {
    const y = device.allocate(size, "y");
    await run(device, [doubling(x, y, 1024)]);
    assert.equal(new Float32Array(await device.read({ ...whole(y), bytes: 4 }))[0], 15);
    device.free(y);
    const again = device.allocate(size, "again");
    const copy = new Uint8Array(await device.read(whole(again)));
    assert.ok(copy.every((byte) => byte === 0), "freed memory must come back zeroed");
    device.free(again);
  }
  assert.equal(device.memory.used, 4096);
  assert.equal(device.memory.buffers, 1);
});

Deno.test("an allocation beyond the budget or the address space names the bytes", async () => {
  using device = await WasmDevice.open({ threads: 1, memoryBudget: 10_000 });
  device.allocate(6_000, "first");
  assert.throws(
    () => device.allocate(5_000, "second"),
    (error) =>
      error instanceof DeviceError &&
      error.message === "Cannot allocate second as the memory budget is 10000 bytes: " +
          "5056 bytes are needed beside 6016 in use",
  );
  using unbounded = await WasmDevice.open({ threads: 1 });
  assert.throws(
    () => unbounded.allocate(2 ** 33, "huge"),
    (error) => error instanceof DeviceError && /8589934592 bytes are needed/.test(error.message),
  );
  unbounded.allocate(64, "small");
});

Deno.test("a trap in a kernel is an error that names it, and nobody hangs", async () => {
  for (const threads of [1, 2, 3]) {
    using device = await WasmDevice.open({ threads });
    const x = device.allocate(4 * 4096, "x");
    await assert.rejects(
      run(device, [doubling(x, x, 4096), trapping(x), doubling(x, x, 4096)]),
      (error) =>
        error instanceof DeviceError &&
        /^trap \(copy_region\) failed: RuntimeError: memory access out of bounds/.test(
          error.message,
        ),
    );
    assert.throws(() => device.check(), DeviceError);
    device.destroy();
    await ended(device);
  }
});

Deno.test("destroy ends the workers", async () => {
  const device = await WasmDevice.open({ threads: 3 });
  assert.equal(device.aliveWorkers, 2);
  device.destroy();
  await ended(device);
  assert.throws(() => device.allocate(4, "x"), /after destroy/);
  device.destroy();
});

Deno.test("a program that forgets to destroy its device ends all the same", async () => {
  const url = new URL("../../src/wasm/device.ts", import.meta.url).href;
  const script = `
    const { WasmDevice } = await import(${JSON.stringify(url)});
    await WasmDevice.open({ threads: 3 });
    console.log("open");`;
  const child = new Deno.Command("deno", {
    args: ["eval", script],
    signal: AbortSignal.timeout(20_000),
  });
  const { code, stdout } = await child.output();
  assert.equal(new TextDecoder().decode(stdout), "open\n");
  assert.equal(code, 0);
});

Deno.test("the number of threads is checked", async () => {
  for (const threads of [0, 1.5, 1000]) {
    await assert.rejects(WasmDevice.open({ threads }), RangeError);
  }
});

/** Waits until no worker of the device is left. */
async function ended(device: WasmDevice): Promise<void> {
  for (let wait = 0; device.aliveWorkers > 0; wait++) {
    assert.ok(wait < 500, `${device.aliveWorkers} workers are left after 5 s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
