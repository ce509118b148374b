import assert from "node:assert/strict";
import { prepareEnvironment } from "../../src/webgpu/environment.ts";

const DEFAULTS = { XDG_RUNTIME_DIR: "/tmp", DENO_WEBGPU_BACKEND: "vulkan" };

for (const [name, value] of Object.entries(DEFAULTS)) {
  Deno.test(`${name} is set on Linux where it is missing, and kept where it is there`, () => {
    const before = Deno.env.get(name);
    try {
      Deno.env.delete(name);
      prepareEnvironment("windows");
      assert.equal(Deno.env.get(name), undefined);
      prepareEnvironment("linux");
      assert.equal(Deno.env.get(name), value);
      Deno.env.set(name, "mine");
      prepareEnvironment("linux");
      assert.equal(Deno.env.get(name), "mine");
    } finally {
      if (before === undefined) Deno.env.delete(name);
      else Deno.env.set(name, before);
    }
  });
}

Deno.test({
  name: "without the permission nothing happens",
  permissions: { env: false },
  fn: () => prepareEnvironment("linux"),
});
