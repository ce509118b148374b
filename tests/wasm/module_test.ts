/** The checked-in module is what the sources give, and leaves the control words alone. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { CONTROL_OFFSET } from "../../src/wasm/control.ts";
import { KERNELS } from "../../src/wasm/kernels.ts";
import { KERNEL_NAMES, MODULE_BASE64 } from "../../src/wasm/module.gen.ts";

Deno.test("module.gen.ts is what `deno task gen:wasm` makes of the sources", async () => {
  const { code, stderr } = await new Deno.Command("deno", {
    args: [
      ..."run --no-prompt --quiet --frozen --config src/wasm/assembly/deno.json".split(" "),
      ..."--allow-read --allow-env src/wasm/assembly/generate.ts --check".split(" "),
    ],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
});

Deno.test("the module's kernels are those of the table, with the agreed signature", () => {
  assert.deepEqual([...KERNEL_NAMES].sort(), Object.keys(KERNELS).sort());
  const { exports } = instantiate();
  for (const name of KERNEL_NAMES) {
    assert.equal(
      (exports[name] as () => void).length,
      4,
      `${name} must take (p, first, last, scratch)`,
    );
  }
});

Deno.test("the module's constants end before the control words", () => {
  const { memory } = instantiate();
  const bytes = new Uint8Array(memory.buffer).subarray(CONTROL_OFFSET);
  assert.ok(bytes.every((byte) => byte === 0));
});

function instantiate() {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const module = new WebAssembly.Module(Uint8Array.fromBase64(MODULE_BASE64));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { memory, exports };
}
