/** What the system refuses is one line with a fix; what is a bug keeps its stack. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DataError, UserError } from "../../src/util/errors.ts";
import { ioError, isDiskFull, memoryError } from "../../src/util/io_errors.ts";
import { assertMistake, kiln, ROOT } from "../cli_support.ts";
import { temporaryFolder } from "../data/helpers.ts";

function withCode(code: string, message = "it failed (os error 1)"): Error {
  return Object.assign(new Error(message), { code });
}

function refused(cause: unknown): UserError {
  const error = ioError("write", "a/b", cause);
  assert.ok(error instanceof UserError, `${cause} is a refusal of the system`);
  assert.equal(error.cause, cause);
  assert.match(error.message, /^Cannot write a\/b: [^\n]+$/);
  assert.match(error.hint, /^[^\n]+$/);
  return error;
}

const CODES: readonly [code: string, reason: RegExp][] = [
  ["ENOSPC", /no space left/],
  ["EACCES", /permission denied/],
  ["ENAMETOOLONG", /name is too long/],
  ["ELOOP", /symbolic links/],
  ["EMFILE", /this process has too many files open/],
  ["ENFILE", /the system has too many files open/],
  ["ETXTBSY", /program that is running/],
  ["EBUSY", /in use/],
  ["ENOTSUP", /does not support/],
  ["EOPNOTSUPP", /does not support/],
  ["ENOTEMPTY", /not empty/],
  ["EOWNERDEAD", /the system reports EOWNERDEAD$/],
];

for (const [code, reason] of CODES) {
  Deno.test(`${code} is a refusal with its reason`, () => {
    assert.match(refused(withCode(code)).message, reason);
  });
}

Deno.test("Deno's classes are refusals even without a code", () => {
  const { errors } = Deno;
  assert.match(refused(new errors.FilesystemLoop("x")).message, /symbolic links/);
  assert.match(refused(new errors.Busy("x")).message, /in use/);
  assert.match(refused(new errors.TimedOut("x")).message, /did not answer in time/);
  assert.match(refused(new errors.NotSupported("x")).message, /does not support/);
  assert.match(refused(new errors.AlreadyExists("x")).message, /exists already/);
  assert.match(refused(new errors.Interrupted("x")).message, /the system reports EINTR$/);
});

Deno.test("a system's error without code or class is known by its number", () => {
  const busy = new Error("Text file busy (os error 26): open '/bin/x'");
  assert.match(refused(busy).message, /program that is running/);
  const other = new Error("Owner died (os error 130): open '/bin/x'");
  assert.match(refused(other).message, /: the system reports Owner died$/);
});

Deno.test("a place that Deno guards is no matter of flags", () => {
  const cause = new Deno.errors.NotCapable(
    'Requires all access to "/proc/foo", run again with the --allow-all flag',
  );
  const { message, hint } = refused(cause);
  assert.match(message, /Deno keeps programs out of there/);
  assert.equal(hint, "choose another place");
});

Deno.test("a bug stays as it is, and so does what is one line already", () => {
  const same = [
    new TypeError("x is not a function"),
    new RangeError("Invalid array length"),
    new Deno.errors.BadResource("Bad resource ID"),
    withCode("ERR_INVALID_ARG_TYPE", "must be a string"),
    withCode("Z_DATA_ERROR", "incorrect header check"),
    new DataError("Cannot use x (os error 5)"),
    "a string",
    undefined,
  ];
  for (const error of same) assert.equal(ioError("write", "a/b", error), error);
});

Deno.test("a full disk is known by its code, by the system's words, and behind other errors", () => {
  const full = [
    ...["ENOSPC", "EDQUOT", "EFBIG"].map((code) => withCode(code)),
    new Error("File too large (os error 27)"),
    new Error("Disk quota exceeded (os error 122): write 'x'"),
  ];
  for (const error of full) {
    assert.ok(isDiskFull(error), String(error));
    assert.ok(isDiskFull(ioError("write", "a/b", error)), `${error}, as it is told`);
    const outer = new UserError("Cannot save", { cause: new Error("x", { cause: error }) });
    assert.ok(isDiskFull(outer), `${error}, as the cause of a cause`);
  }
  const others = [
    ...["EACCES", "EROFS", "EIO", "EMFILE", "ENOENT"].map((code) => withCode(code)),
    ioError("write", "a/b", withCode("EROFS")),
    // The words of a message are no error of the system.
    new UserError("Cannot write a: no space left (os error 28)"),
    new DataError("File too large (os error 27)"),
    new Error("File too large"),
    new Error("x", { cause: "ENOSPC" }),
    "ENOSPC",
    { code: "ENOSPC" },
    undefined,
    null,
  ];
  for (const error of others) assert.ok(!isDiskFull(error), String(error));
});

Deno.test("memory that cannot be had is one line, on any thread; other range errors are bugs", () => {
  const lacking = [
    new RangeError("Array buffer allocation failed"),
    new RangeError("WebAssembly.Memory(): could not allocate memory"),
    new Error("a worker failed: Uncaught (in promise) RangeError: Array buffer allocation failed"),
  ];
  for (const cause of lacking) {
    const error = memoryError(cause);
    assert.ok(error instanceof UserError);
    assert.equal(error.message, "not enough memory");
    assert.match(error.hint, /smaller --batch-size/);
    assert.equal(error.exitCode, 1);
    assert.equal(error.cause, cause);
  }
  const bugs = [
    new RangeError("Invalid typed array length: -1"),
    new Error("Array buffer allocation failed?"),
    undefined,
  ];
  for (const bug of bugs) assert.equal(memoryError(bug), bug);
});

Deno.test("the command line prints it so: paths that the system refuses", async () => {
  await using folder = await temporaryFolder();
  const long = join(folder.path, "x".repeat(300));
  const loop = join(folder.path, "loop");
  await Deno.symlink("loop", loop);
  for (const [path, error] of [[long, /name is too long/], [loop, /symbolic links/]] as const) {
    assertMistake(await kiln(["train", "--run-dir", path]), { code: 1, error, hint: /path/ });
    assertMistake(await kiln(["eval", "--run-dir", path]), { code: 1, error, hint: /path/ });
    assertMistake(await kiln(["data", "--data-dir", path]), { code: 1, error, hint: /path/ });
  }
});

Deno.test("the command line prints it so: no memory", async () => {
  await using folder = await temporaryFolder();
  const preload = join(folder.path, "preload.ts");
  const fail = 'Deno.stat = () => { throw new RangeError("Array buffer allocation failed"); };';
  await Deno.writeTextFile(preload, fail);
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "--quiet", "--no-prompt", "--allow-read", "--preload", preload, "cli.ts", "data"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  const expected = { code: 1, error: /^error: not enough memory$/, hint: /smaller --batch-size/ };
  assertMistake({ code, out, err }, expected);
});
