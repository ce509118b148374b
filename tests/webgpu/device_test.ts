/** What the device reports reaches the caller as an exception, and every byte is accounted for. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { BoundLaunch, BufferSlice } from "../../src/engine/device.ts";
import { foldGrid, input, output } from "../../src/engine/launch.ts";
import { add } from "../../src/ops/elementwise.ts";
import { compile } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { placeholder, variable } from "../../src/tensor/tensor.ts";
import { DeviceError } from "../../src/util/errors.ts";
import { WebGpuDevice } from "../../src/webgpu/device.ts";
import { launch } from "../../src/webgpu/kernel.ts";

/** A plan that doubles four numbers on a device of its own. */
async function doubling() {
  const device = await WebGpuDevice.open();
  const state = new VariableState(device);
  const x = placeholder("x", [4]);
  const plan = await compile(state, { outputs: { y: add(x, x) } });
  return { device, state, plan };
}

/** An error that WebGPU reports only as an event. */
function provoke(device: WebGpuDevice): void {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE;
  device.gpu.createBuffer({ label: "impossible", size: 16, usage });
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const REPORTED = { name: "DeviceError", message: /^the device reported: .*MAP/ };

Deno.test("an uncaptured validation error is thrown at the next call, whichever it is", async () => {
  const { device, state, plan } = await doubling();
  provoke(device);
  await turn();
  assert.throws(() => device.check(), REPORTED);
  assert.throws(() => plan.run({ x: new Float32Array(4) }), REPORTED);
  assert.throws(() => device.allocate(16, "block"), REPORTED);
  await assert.rejects(plan.read("y"), REPORTED);
  await assert.rejects(compile(state, { outputs: { y: placeholder("z", [4]) } }), REPORTED);
  device.destroy();
});

Deno.test("a loop of runs and reads alone meets the error, too", async () => {
  const { device, plan } = await doubling();
  plan.run({ x: Float32Array.of(1, 2, 3, 4) });
  assert.deepEqual(await plan.read("y"), Float32Array.of(2, 4, 6, 8));
  provoke(device);
  const loop = async () => {
    for (let i = 0; i < 3; i++) {
      plan.run();
      await plan.read("y");
    }
  };
  await assert.rejects(loop(), REPORTED);
  device.destroy();
});

const LOST = {
  name: "DeviceLostError",
  message: /^the device was lost: ./,
  hint:
    "checkpoints that were written are intact: check the driver's log, then go on with --resume",
};

Deno.test("a device lost in the middle is an exception that says so", async () => {
  const { device, state, plan } = await doubling();
  plan.run({ x: new Float32Array(4) });
  device.gpu.destroy();
  // Whichever call comes first: the loss is not yet known to JavaScript.
  await assert.rejects(plan.read("y"), LOST);
  assert.throws(() => plan.run(), LOST);
  await assert.rejects(compile(state, { outputs: { y: placeholder("x", [4]) } }), LOST);
  plan.destroy();
  state.destroy();
  assert.equal(device.memory.used, 0);
  device.destroy();
});

Deno.test("a plan cannot be compiled for a device that was just lost", async () => {
  const device = await WebGpuDevice.open();
  const state = new VariableState(device);
  const x = placeholder("x", [4]);
  device.gpu.destroy();
  await assert.rejects(compile(state, { outputs: { y: add(x, x) } }), LOST);
  assert.equal(device.memory.used, 0, "what was allocated is freed");
});

Deno.test("a destroyed device refuses calls", async () => {
  const { device, plan } = await doubling();
  device.destroy();
  assert.equal(device.memory.used, 0);
  assert.throws(() => plan.run(), /Cannot use a device after destroy/);
  await assert.rejects(plan.read("y"), /Cannot use a device after destroy/);
});

Deno.test("a shader that does not compile is an error with its message and the op's name, every time", async () => {
  using device = await WebGpuDevice.open();
  const buffer = device.allocate(1024, "operand");
  const [x, y] = [{ buffer, offset: 0, bytes: 16 }, { buffer, offset: 512, bytes: 16 }];
  const good = launch("affine", {
    buffers: { x: input(0), y: output },
    params: { length: 4, factor: 2, offset: 0 },
    grid: foldGrid(1),
  });
  const bound = (lines: Record<string, string>, slices: BufferSlice[]): BoundLaunch[] => [
    { launch: { ...good, lines }, slices, label: "scale [4]" },
  ];
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(device.prepare(bound({ elem: "nonsense" }, [x, y])), (error: Error) => {
      assert.ok(error instanceof DeviceError, String(error));
      assert.match(error.message, /^Cannot prepare scale \[4\] \(affine\): .*nonsense/);
      assert.ok(!error.message.includes("\n"), "the message is one line");
      return true;
    });
  }
  const misplaced = bound({}, [x, { ...y, offset: 4 }]);
  await assert.rejects(device.prepare(misplaced), /Cannot prepare scale.*align/i);
  await assert.rejects(device.prepare(bound({ WRONG: "f32" }, [x, y])), SyntaxError);
  // The failures have left nothing behind, no error scope that would swallow the next error.
  await assert.rejects(async () => await device.gpu.popErrorScope(), { name: "OperationError" });
  device.check();
  assert.equal((await device.prepare(bound({}, [x, y]))).dispatches, 1);
  provoke(device);
  await turn();
  assert.throws(() => device.check(), REPORTED);
});

Deno.test("bytes return to what they were when plans and variables are destroyed", async () => {
  using device = await WebGpuDevice.open();
  assert.equal(device.memory.used, 0);
  {
    using state = new VariableState(device);
    const w = variable("w", [1000], new Float32Array(1000));
    const x = placeholder("x", [1000]);
    const request = { outputs: { y: add(add(w, x), x) } };
    using first = await compile(state, request);
    const { used, buffers } = device.memory;
    assert.ok(used >= 2 * 4000 + 4000, `${used} bytes hold w, x and y`);
    assert.equal(first.summary.bytes, used - 4000);
    {
      using second = await compile(state, request);
      assert.equal(device.memory.used, used + second.summary.bytes, "variables are shared");
    }
    assert.deepEqual([device.memory.used, device.memory.buffers], [used, buffers]);
  }
  assert.deepEqual([device.memory.used, device.memory.buffers], [0, 0]);
  assert.equal(device.memory.byLabel.size, 0);
  assert.ok(device.memory.peak > 12000);
});
