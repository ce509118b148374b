import { UserError } from "./errors.ts";

const REASONS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOENT: ["no such file or folder", "check the path"],
  EACCES: ["permission denied", "choose another place, or change its permissions"],
  EPERM: ["permission denied", "choose another place, or change its permissions"],
  EROFS: ["the file system is read-only", "choose another place"],
  ENOSPC: ["no space left", "free some space, or choose another place"],
  EDQUOT: ["the disk quota is used up", "free some space, or choose another place"],
  EISDIR: ["it is a folder", "name a file"],
  ENOTDIR: ["a part of the path is a file, not a folder", "check the path"],
  EEXIST: ["it exists already", "choose another name"],
  EIO: ["the device reports a read or write error", "check the disk"],
};

/**
 * The error to throw when the system refuses a file: `Cannot write runs/a/x: no space left`, a
 * {@linkcode UserError} with its fix. Whatever is not a system's refusal is returned as it is.
 *
 * @param verb what was tried: `read`, `write`, `create`
 */
export function ioError(verb: string, path: string, cause: unknown): unknown {
  if (cause instanceof Deno.errors.NotCapable) {
    return new UserError(`Cannot ${verb} ${path}: Deno was not given the permission`, {
      hint: cause.message.replace(/^Requires (.*), run again.*$/s, "it needs $1"),
      cause,
    });
  }
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (!Object.hasOwn(REASONS, code)) return cause;
  const [reason, hint] = REASONS[code];
  return new UserError(`Cannot ${verb} ${path}: ${reason}`, { hint, cause });
}
