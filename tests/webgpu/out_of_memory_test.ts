/** A device that runs out of memory: the batch size that would fit is named before the first step. */
import assert from "node:assert/strict";
import { referenceCnn } from "../../src/nn/models/reference.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { DeviceError } from "../../src/util/errors.ts";
import { WebGpuDevice } from "../../src/webgpu/device.ts";

function trainer(device: WebGpuDevice, batchSize: number): Promise<Trainer> {
  const recipe = { ...REFERENCE_RECIPE, batchSize };
  return Trainer.create(device, { model: referenceCnn, recipe, trainingImages: 50_000 });
}

/** A device whose driver has so much memory and no more; no software adapter ever runs out. */
async function deviceWith(bytes: number): Promise<WebGpuDevice> {
  const device = await WebGpuDevice.open();
  let held = 0;
  const scopes: GPUErrorFilter[] = [];
  const { createBuffer, pushErrorScope, popErrorScope } = device.gpu;
  device.gpu.createBuffer = (descriptor) => {
    held += descriptor.size;
    return createBuffer.call(device.gpu, descriptor);
  };
  device.gpu.pushErrorScope = (filter) => {
    scopes.push(filter);
    pushErrorScope.call(device.gpu, filter);
  };
  device.gpu.popErrorScope = async () => {
    const isOver = scopes.pop() === "out-of-memory" && held > bytes;
    const error = await popErrorScope.call(device.gpu);
    return isOver ? new GPUOutOfMemoryError("out of device memory") : error;
  };
  return device;
}

Deno.test("where the driver runs out of memory, the error names a batch size that fits", async () => {
  const memory = 50e6;
  using device = await deviceWith(memory);
  const error = await trainer(device, 128).then(() => assert.fail("no error"), (error) => error);
  assert.ok(error instanceof DeviceError, String(error));
  assert.match(
    error.message,
    /^Cannot allocate .* as the device is out of memory: \d+ bytes are needed beside \d+ in use$/,
  );
  const [, named] = /^--batch-size (\d+) fits$/.exec(error.hint) ?? assert.fail(error.hint);
  const batchSize = Number(named);
  assert.ok(batchSize < 128);
  {
    using other = await deviceWith(memory);
    using _trainer = await trainer(other, batchSize);
    assert.ok(other.memory.used <= memory);
  }
  // Twice as many would not: the hint is no guess far below what fits.
  using third = await deviceWith(memory);
  await assert.rejects(trainer(third, 2 * batchSize), /out of memory/);
});
