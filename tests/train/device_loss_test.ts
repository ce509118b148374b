/** A device that is lost before there is anything to go back to. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { initialValues } from "../../src/nn/parameters.ts";
import type { TrainResult } from "../../src/train/train.ts";
import { DeviceLostError } from "../../src/util/errors.ts";
import { WebGpuDevice } from "../../src/webgpu/device.ts";
import { temporaryFolder } from "../data/helpers.ts";
import { checkpointOf, runTiny, TINY_LAYOUT } from "./run_support.ts";

Deno.test("a device lost before the first checkpoint begins anew, with the weights it was given", async () => {
  await using folder = await temporaryFolder();
  const initial = { parameters: initialValues(TINY_LAYOUT, 99) };
  const options = { initial, checkpointEvery: {}, evalEvery: 0, logEvery: 1 };
  const run = async (
    name: string,
    loseAt?: number,
  ): Promise<[TrainResult, (number | string)[]]> => {
    const devices = [await WebGpuDevice.open()];
    const told: (number | string)[] = [];
    const result = await runTiny(devices[0], join(folder.path, name), {
      ...options,
      reopen: async () => devices[devices.push(await WebGpuDevice.open()) - 1],
      events: {
        onStart: () => void told.push("start"),
        onRebuilt(error, step) {
          assert.ok(error instanceof DeviceLostError);
          told.push(step);
        },
        onLog({ step }) {
          if (step === loseAt && devices.length === 1) devices[0].gpu.destroy();
        },
      },
    });
    for (const device of devices) device.destroy();
    return [result, told];
  };
  const [, whole] = await run("whole");
  const [lost, told] = await run("lost", 5);
  assert.deepEqual([whole, told], [["start"], ["start", 0]]);
  assert.deepEqual([lost.end, lost.step, lost.steps], ["finished", 12, 12]);
  const [expected, actual] = await Promise.all(
    ["whole", "lost"].map((name) => checkpointOf(join(folder.path, name))),
  );
  assert.deepEqual(actual.state, expected.state);
});

Deno.test("lines of steps that are done again are not there twice", async () => {
  await using folder = await temporaryFolder();
  const lines: string[] = [];
  for (const name of ["whole", "lost"]) {
    const runDir = join(folder.path, name);
    const devices = [await WebGpuDevice.open()];
    await runTiny(devices[0], runDir, {
      checkpointEvery: {},
      logEvery: 1,
      reopen: async () => devices[devices.push(await WebGpuDevice.open()) - 1],
      events: {
        // In the measurement after four steps, before the first checkpoint.
        onEvaluating() {
          if (name === "lost" && devices.length === 1) devices[0].gpu.destroy();
        },
      },
    });
    assert.equal(devices.length, name === "lost" ? 2 : 1);
    for (const device of devices) device.destroy();
    lines.push((await Deno.readTextFile(join(runDir, "metrics.jsonl"))).replaceAll(runDir, ""));
  }
  assert.equal(lines[1], lines[0]);
});
