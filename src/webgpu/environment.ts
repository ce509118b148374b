/** Environment variables that drivers and Deno's WebGPU read, with what kiln sets where they are unset, on Linux. */
const DEFAULTS: Readonly<Record<string, string>> = {
  // Mesa complains on stderr without it; only the presence of an absolute path is checked.
  XDG_RUNTIME_DIR: "/tmp",
  // Else a machine without Vulkan falls back to OpenGL without a word: no timestamps, no subgroups, a
  // third of the speed.
  DENO_WEBGPU_BACKEND: "vulkan",
};

/**
 * Sets the variables that must stand before the first `requestAdapter`, which reads them. What the user
 * has set stays. Needs `--allow-env` of their names; without it nothing happens, and the user is not asked.
 */
export function prepareEnvironment(os: typeof Deno.build.os = Deno.build.os): void {
  if (os !== "linux") return;
  for (const [variable, value] of Object.entries(DEFAULTS)) {
    if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") continue;
    if (Deno.env.get(variable) === undefined) Deno.env.set(variable, value);
  }
}
