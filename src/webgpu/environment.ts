/**
 * Keeps Mesa from printing "XDG_RUNTIME_DIR is invalid or not set in the environment" twice a
 * process. To be called before the first `requestAdapter`, which reads the variable. Only the
 * presence of an absolute path is checked there, nothing is written into the folder.
 *
 * Needs `--allow-env=XDG_RUNTIME_DIR`; without it nothing happens, and the user is not asked.
 */
export function quietMesa(): void {
  const variable = "XDG_RUNTIME_DIR";
  if (Deno.build.os !== "linux") return;
  if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") return;
  if (Deno.env.get(variable) === undefined) Deno.env.set(variable, "/tmp");
}
