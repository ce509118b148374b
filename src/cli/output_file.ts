import { dirname, extname } from "node:path";
import { ConfigError, UserError } from "../util/errors.ts";
import { ioError } from "../util/io_errors.ts";

/**
 * Makes sure, before any work is done, that a file can be written where a flag says; makes its folder.
 *
 * @param flag the flag, without dashes
 * @param ending what its name must end in, e.g. `.png`
 * @throws {ConfigError} if the name ends otherwise
 * @throws {UserError} if it cannot be written
 */
export async function checkOutputFile(
  flag: string,
  path: string | null,
  ending: string,
): Promise<void> {
  if (path === null) return;
  if (extname(path).toLowerCase() !== ending) {
    throw new ConfigError(
      `--${flag} must be a file that ends in ${ending}: found ${JSON.stringify(path)}`,
      { hint: `for example --${flag} ${flag.replace(/-.*/, "")}${ending}` },
    );
  }
  const folder = dirname(path);
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: folder, prefix: ".probe-" }));
  } catch (error) {
    throw ioError("write", path, error);
  }
  const info = await Deno.stat(path).catch(() => undefined);
  if (info?.isDirectory) {
    throw new UserError(`Cannot write ${path}: it is a folder`, { hint: "name a file" });
  }
}
