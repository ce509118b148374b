/** Which device a command computes on. */
import assert from "node:assert/strict";
import { openDevice } from "../../src/train/open_device.ts";

Deno.test("a device is opened as asked for, and auto says why", async () => {
  const cpu = await openDevice("cpu", 2);
  assert.equal(cpu.device.target.engine, "wasm");
  assert.match(cpu.choice, /CPU engine, as asked for/);
  cpu.device.destroy();
  const auto = await openDevice("auto", 2);
  const expected = auto.device.target.engine === "wasm"
    ? /^the CPU engine: (there is no WebGPU adapter|the only adapter, .*, is software)$/
    : /^WebGPU: there is a GPU$/;
  assert.match(auto.choice, expected);
  auto.device.destroy();
});
