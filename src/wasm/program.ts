import type { BoundLaunch, LaunchTime, Program } from "../engine/device.ts";
import { debug } from "../util/debug.ts";
import { DeviceError } from "../util/errors.ts";
import { MAX_LAUNCHES, TABLE_WORDS } from "./control.ts";
import type { WasmDevice } from "./device.ts";
import { alignUp } from "./heap.ts";
import { KERNEL_NAMES } from "./module.gen.ts";

/** Parts that each thread's share of a launch is cut in, so that a late thread holds up the others little. */
const PARTS = 32;

/** Makes the launch table, and writes the kernels' blocks to shared memory. */
export function prepareProgram(
  device: WasmDevice,
  launches: readonly BoundLaunch[],
): Program {
  const blockBytes = launches.map(({ launch, slices }) =>
    alignUp(slices.length * 4 + launch.params.byteLength)
  );
  if (launches.length > MAX_LAUNCHES) {
    throw new DeviceError(
      `Cannot prepare ${launches.length} launches as a program has at most ${MAX_LAUNCHES}`,
    );
  }
  const buffer = device.allocate(blockBytes.reduce((a, b) => a + b, 0), "params");
  const start = device.resolve(buffer);
  const table = new Int32Array(launches.length * TABLE_WORDS);
  let offset = 0;
  launches.forEach(({ launch, slices, label }, i) => {
    const kernel = (KERNEL_NAMES as readonly string[]).indexOf(launch.kernel);
    if (kernel < 0) throw new DeviceError(`Cannot prepare ${label}: no kernel ${launch.kernel}`);
    const units = launch.grid[0];
    const chunk = Math.max(1, Math.ceil(units / (device.threads * PARTS)));
    table.set([kernel, units, chunk, start + offset], i * TABLE_WORDS);
    const pointers = Uint32Array.from(slices, (s) => device.resolve(s.buffer) + s.offset);
    const bytes = launch.params.byteLength;
    device.write({ buffer, offset, bytes: pointers.byteLength }, pointers);
    device.write({ buffer, offset: offset + pointers.byteLength, bytes }, launch.params);
    offset += blockBytes[i];
    debug(2, () => `launch ${i}: ${label} (${launch.kernel}), ${units} units`);
  });

  const run = (first: number, end: number) => {
    device.resolve(buffer);
    const failed = device.run(table.subarray(first * TABLE_WORDS, end * TABLE_WORDS));
    if (failed === undefined) return;
    const { label, launch } = launches[first + failed.launch];
    throw device.fail(`${label} (${launch.kernel}) failed: ${failed.message}`);
  };
  return {
    dispatches: launches.length,
    run: () => run(0, launches.length),
    profile() {
      // One by one: within a run the workers may be done with a launch before this thread has begun it.
      const times = launches.map(({ label, launch: { kernel } }, i): LaunchTime => {
        const before = performance.now();
        run(i, i + 1);
        return { label, kernel, nanoseconds: (performance.now() - before) * 1e6 };
      });
      return Promise.resolve(times);
    },
    destroy: () => device.free(buffer),
  };
}
