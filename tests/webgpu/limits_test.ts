/** Too little memory, too small a binding limit, no such adapter: an error whose hint is the fix. */
import assert from "node:assert/strict";
import { referenceCnn } from "../../src/nn/models/reference.ts";
import { constant, placeholder } from "../../src/tensor/tensor.ts";
import { compile } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { add } from "../../src/ops/elementwise.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { Evaluator } from "../../src/train/evaluation/evaluator.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { DeviceError } from "../../src/util/errors.ts";
import { WebGpuDevice } from "../../src/webgpu/device.ts";
import { testDevice } from "../support.ts";

async function deviceError(promise: Promise<unknown>): Promise<DeviceError> {
  const error = await promise.then(() => assert.fail("no error"), (error) => error);
  assert.ok(error instanceof DeviceError, String(error));
  assert.ok(!error.message.includes("\n"), "the message is one line");
  assert.notEqual(error.hint, "");
  return error;
}

/** Starts the training and the evaluation of the reference at a batch size. */
function trainer(device: WebGpuDevice, batchSize: number): Promise<Trainer> {
  const recipe = { ...REFERENCE_RECIPE, batchSize };
  return Trainer.create(device, { model: referenceCnn, recipe, trainingImages: 50_000 });
}

/** The batch size that a hint names must fit, and the next one must not. */
async function checkHint(
  device: WebGpuDevice,
  tooLarge: number,
  create: (batchSize: number) => Promise<Disposable>,
): Promise<void> {
  const error = await deviceError(create(tooLarge));
  assert.match(error.message, /limit for one buffer is \d+ bytes: it needs \d+$/);
  assert.equal(device.memory.used, 0, "what was allocated is freed");
  const [, named] = /^--batch-size (\d+) fits$/.exec(error.hint) ?? assert.fail(error.hint);
  const fits = Number(named);
  assert.ok(fits < tooLarge);
  {
    using _made = await create(fits);
    device.check();
  }
  const next = await deviceError(create(fits + 1));
  assert.equal(next.hint, error.hint, "one more does not fit");
}

Deno.test("a batch too large for the binding limit is an error that names the largest that fits", async () => {
  // The block of all parameters needs 4.3 MB; the first activations 147,456 bytes an image.
  using device = await WebGpuDevice.open({ limits: { maxStorageBufferBindingSize: 5_000_000 } });
  assert.equal(device.maxBindingBytes, 5_000_000);
  await checkHint(device, 40, (batchSize) => trainer(device, batchSize));
  // So large that already the images do not fit, although they are not what limits the batch.
  await checkHint(device, 2000, (batchSize) => trainer(device, batchSize));
  await checkHint(device, 2000, (batch) => Evaluator.create(device, referenceCnn, batch));
});

Deno.test("where the parameters alone do not fit, no batch size is named", async () => {
  using device = await WebGpuDevice.open({ limits: { maxStorageBufferBindingSize: 4_000_000 } });
  const error = await deviceError(trainer(device, 8));
  assert.match(error.hint, /not even a batch of 1/);
  assert.equal(device.memory.used, 0);
});

Deno.test("memory over the budget is an error that says how much is needed and in use", async () => {
  using device = await WebGpuDevice.open({ memoryBudget: 10_000 });
  const first = device.allocate(6000, "first");
  const error = await deviceError((async () => await device.allocate(6000, "second"))());
  assert.match(
    error.message,
    /allocate second .*budget is 10000 bytes: 6000 .* beside 6000 in use/,
  );
  assert.match(error.hint, /smaller batch/);
  device.free(first);
  device.free(device.allocate(6000, "second"));
  const state = new VariableState(device);
  const x = placeholder("x", [1000]);
  const sum = add(add(x, constant(new Float32Array(1000), [1000])), x);
  await deviceError(compile(state, { outputs: { x, sum } }));
  assert.equal(device.memory.used, 0, "a plan that does not fit leaves nothing behind");
});

Deno.test("a buffer over the adapter's limit is an error", async () => {
  using device = await WebGpuDevice.open({
    limits: { maxBufferSize: 1 << 20, maxStorageBufferBindingSize: 1 << 20 },
  });
  const error = await deviceError((async () => await device.allocate(2 ** 20 + 1, "large"))());
  assert.match(error.message, /allocate large .*buffer limit is 1048576 bytes: 1048592/);
  assert.match(error.hint, /smaller batch/);
  device.free(device.allocate(2 ** 20, "largest"));
});

Deno.test("--device gpu is an error on a software adapter, and is that adapter's fault only", async () => {
  const { adapter } = await testDevice();
  if (!adapter.isSoftware) {
    using device = await WebGpuDevice.open({ choice: "gpu" });
    assert.equal(device.adapter.isSoftware, false);
    return;
  }
  const error = await deviceError(WebGpuDevice.open({ choice: "gpu" }));
  assert.ok(error.message.includes(adapter.description));
  assert.match(error.hint, /--device software/);
  using device = await WebGpuDevice.open({ choice: "software" });
  assert.equal(device.adapter.isSoftware, true);
});
