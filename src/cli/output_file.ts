import { dirname, extname } from "node:path";
import { ConfigError, UserError } from "../util/errors.ts";
import { ioError } from "../util/io_errors.ts";

/**
 * Makes sure, before any work is done, that a file can be written where a flag says; makes its folder.
 *
 * @param flag the flag, without dashes
 * @param endings what its name must end in, e.g. `.png`: one of them
 * @param example a flag with a file, for the hint
 * @throws {ConfigError} if the name ends otherwise
 * @throws {UserError} if it cannot be written
 */
export async function checkOutputFile(
  flag: string,
  path: string | null,
  endings: string | readonly string[],
  example = `--${flag} ${flag.replace(/-.*/, "")}${endings}`,
): Promise<void> {
  if (path === null) return;
  const allowed = [endings].flat();
  if (!allowed.includes(extname(path).toLowerCase())) {
    throw new ConfigError(
      `--${flag} must be a file that ends in ${allowed.join(" or ")}: found ${
        JSON.stringify(path)
      }`,
      { hint: `for example ${example}` },
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
