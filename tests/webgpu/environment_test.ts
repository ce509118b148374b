import assert from "node:assert/strict";
import { quietMesa } from "../../src/webgpu/environment.ts";

const NAME = "XDG_RUNTIME_DIR";

Deno.test({
  name: "XDG_RUNTIME_DIR is set on Linux where it is missing, and kept where it is there",
  ignore: Deno.build.os !== "linux",
  fn() {
    const before = Deno.env.get(NAME);
    try {
      Deno.env.delete(NAME);
      quietMesa();
      assert.equal(Deno.env.get(NAME), "/tmp");
      Deno.env.set(NAME, "/run/user/1000");
      quietMesa();
      assert.equal(Deno.env.get(NAME), "/run/user/1000");
    } finally {
      if (before === undefined) Deno.env.delete(NAME);
      else Deno.env.set(NAME, before);
    }
  },
});

Deno.test({
  name: "without the permission nothing happens",
  permissions: { env: false },
  fn: quietMesa,
});
