import assert from "node:assert/strict";
import { ENV_FLAGS, envFlag, type EnvName, parseEnvFlag, readEnv } from "../../src/util/env.ts";

Deno.test("unset and empty variables have their default", () => {
  for (const name of Object.keys(ENV_FLAGS) as EnvName[]) {
    assert.equal(parseEnvFlag(name, undefined), ENV_FLAGS[name].default);
    assert.equal(parseEnvFlag(name, ""), ENV_FLAGS[name].default);
  }
});

Deno.test("values are read by kind", () => {
  const level: number = parseEnvFlag("KILN_DEBUG", "4");
  const kind: "auto" | "gpu" | "subgroup8" | "software" | "naive" = parseEnvFlag(
    "KILN_ADAPTER",
    "subgroup8",
  );
  const plain: boolean = parseEnvFlag("NO_COLOR", "0");
  assert.deepEqual([level, kind, plain], [4, "subgroup8", true]);
});

Deno.test("bad values are errors", () => {
  for (const text of ["5", "-1", "1.5", "yes"]) {
    assert.throws(() => parseEnvFlag("KILN_DEBUG", text), {
      name: "ConfigError",
      message: `environment variable KILN_DEBUG must be an integer from 0 to 4: found "${text}"`,
    });
  }
  assert.throws(() => parseEnvFlag("KILN_ADAPTER", "sofware"), {
    name: "ConfigError",
    message:
      /^environment variable KILN_ADAPTER must be one of auto, gpu, subgroup8, software, naive: /,
    hint: "did you mean KILN_ADAPTER=software?",
  });
});

Deno.test({
  name: "a variable that may be read counts",
  permissions: { env: ["KILN_DEBUG"] },
  fn() {
    Deno.env.set("KILN_DEBUG", "3");
    try {
      assert.equal(envFlag("KILN_DEBUG"), 3);
      assert.equal(readEnv("KILN_DEBUG"), "3");
    } finally {
      Deno.env.delete("KILN_DEBUG");
    }
  },
});

Deno.test({
  name: "a variable that may not be read has its default",
  permissions: { env: false },
  fn() {
    assert.equal(envFlag("KILN_DEBUG"), 0);
    assert.equal(readEnv("PATH"), undefined);
  },
});
