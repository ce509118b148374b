import { UserError } from "./errors.ts";

type Refusal = readonly [reason: string, hint: string];

const DENIED: Refusal = ["permission denied", "choose another place, or change its permissions"];
const UNSUPPORTED: Refusal = ["the file system does not support it", "choose another place"];
const QUOTA: Refusal = ["the disk quota is used up", "free some space, or choose another place"];
const TOO_LARGE: Refusal = [
  "the file would be larger than allowed",
  "choose another place, or check: ulimit -f",
];
const RUNNING: Refusal = ["it is a program that is running", "choose another name"];

const REFUSALS: Readonly<Record<string, Refusal>> = {
  ENOENT: ["no such file or folder", "check the path"],
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: ["the file system is read-only", "choose another place"],
  ENOSPC: ["no space left", "free some space, or choose another place"],
  EDQUOT: QUOTA,
  EFBIG: TOO_LARGE,
  EISDIR: ["it is a folder", "name a file"],
  ENOTDIR: ["a part of the path is a file, not a folder", "check the path"],
  EEXIST: ["it exists already", "choose another name"],
  ENOTEMPTY: ["the folder is not empty", "choose another name, or empty it"],
  EIO: ["the device reports a read or write error", "check the disk"],
  ENAMETOOLONG: ["the name is too long", "choose a shorter path"],
  ELOOP: ["its symbolic links lead round in a circle", "check the links along the path"],
  EINVAL: ["the file system does not accept it", "choose another name or place"],
  EMFILE: ["this process has too many files open", "raise the limit: ulimit -n 4096"],
  ENFILE: ["the system has too many files open", "close other programs"],
  ENOMEM: ["not enough memory", "close other programs"],
  EBUSY: ["it is in use", "wait for the program that uses it, or choose another place"],
  ETXTBSY: RUNNING,
  // Deno gives these no codes.
  "Text file busy": RUNNING,
  "File too large": TOO_LARGE,
  "Disk quota exceeded": QUOTA,
  ETIMEDOUT: ["it did not answer in time", "check the disk or network drive"],
  ESTALE: ["the network drive has lost it", "check the network drive"],
  ENOLCK: ["no file locks are left", "choose another place"],
  ENOSYS: UNSUPPORTED,
  ENOTSUP: UNSUPPORTED,
  EOPNOTSUPP: UNSUPPORTED,
};

/** The codes of Deno's classes, for errors that carry none. The others, such as BadResource, are bugs. */
const CLASS_CODES: Readonly<Record<string, string>> = {
  NotFound: "ENOENT",
  PermissionDenied: "EACCES",
  AlreadyExists: "EEXIST",
  IsADirectory: "EISDIR",
  NotADirectory: "ENOTDIR",
  FilesystemLoop: "ELOOP",
  Busy: "EBUSY",
  TimedOut: "ETIMEDOUT",
  Interrupted: "EINTR",
  WouldBlock: "EAGAIN",
  BrokenPipe: "EPIPE",
  NotSupported: "ENOTSUP",
};

/**
 * The error to throw when the system refuses a file: `Cannot write runs/a/x: no space left`, a
 * {@linkcode UserError} with its fix. Whatever is not a system's refusal is returned as it is.
 *
 * @param verb what was tried: `read`, `write`, `create`
 */
export function ioError(verb: string, path: string, cause: unknown): unknown {
  const refusal = refusalOf(cause);
  if (refusal === undefined) return cause;
  const [reason, hint] = refusal;
  return new UserError(`Cannot ${verb} ${path}: ${reason}`, { hint, cause });
}

/** A full disk, an exhausted quota, and the largest size that a file may have. */
const FULL_CODES = ["ENOSPC", "EDQUOT", "EFBIG", "File too large", "Disk quota exceeded"];

/** Whether an error, or what caused it, is that of a disk that is full. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const reported = error instanceof UserError ? undefined : codeOf(error);
  return reported !== undefined && FULL_CODES.includes(reported) || isDiskFull(error.cause);
}

function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || error instanceof UserError) return undefined;
  if (error instanceof Deno.errors.NotCapable) return missingPermission(error.message);
  const reported = codeOf(error);
  if (reported === undefined) return undefined;
  return Object.hasOwn(REFUSALS, reported)
    ? REFUSALS[reported]
    : [`the system reports ${reported}`, "check the path and the disk"];
}

function missingPermission(message: string): Refusal {
  // No permission of a task's covers places like /proc.
  if (message.startsWith("Requires all access")) {
    return ["Deno keeps programs out of there", "choose another place"];
  }
  const needs = message.replace(/^Requires (.*), run again.*$/s, "it needs $1");
  return ["Deno was not given the permission", needs];
}

/** The code of a system's error, in its absence the system's words; undefined for any other error. */
function codeOf(error: Error): string | undefined {
  // Codes with an underscore, such as ERR_INVALID_ARG_TYPE or Z_DATA_ERROR, are not the system's.
  if ("code" in error && /^E[A-Z0-9]+$/.test(String(error.code))) return String(error.code);
  if (Object.hasOwn(CLASS_CODES, error.name)) return CLASS_CODES[error.name];
  return /^([^\n():]+) \(os error \d+\)/.exec(error.message)?.[1];
}

/** V8's words for memory that could not be had, also where a worker's error is quoted. */
const NO_MEMORY = new RegExp(
  "(^|RangeError: )(Array buffer allocation failed|WebAssembly\\.Memory\\S*: " +
    "(could not allocate memory|Unable to grow instance memory))$",
  "i",
);

/** The error to print when memory could not be had; whatever else is returned as it is. */
export function memoryError(error: unknown): unknown {
  if (!(error instanceof Error) || !NO_MEMORY.test(error.message)) return error;
  return new UserError("not enough memory", {
    hint: "choose a smaller --batch-size, or close other programs",
    cause: error,
  });
}
