// What the files of a folder of images hold: their format and SHA-256, remembered between runs.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { writeFileAtomic } from "../../util/atomic_file.ts";
import { eventLoopTurn } from "../../util/event_loop.ts";
import { ioError } from "../../util/io_errors.ts";
import type { AcquireReporter } from "../acquire/progress.ts";
import { imageType } from "../images/image_header.ts";
import { type ClassFolder, type FoundFile, hasImageName } from "./folder_scan.ts";

/** A file that is an image by its content, or should be by its name. */
export interface ImageFile extends FoundFile {
  readonly sha256: string;
}

/** The images of a class folder. */
export interface ImageFolder {
  readonly path: string;
  readonly classes: readonly string[];
  readonly images: readonly ImageFile[];
  /** Files that are no images, by content and by name. */
  readonly ignored: readonly FoundFile[];
}

interface Content {
  readonly isImage: boolean;
  readonly sha256: string;
}

/** What is remembered of a file: bytes, ms of its last change, content. */
type Remembered = readonly [bytes: number, changedMs: number, isImage: boolean, sha256: string];

const VERSION = 1;
const CHUNK_BYTES = 1 << 20;
const FILES_A_TURN = 64;
/** A file changed this shortly ago may be changed again without a new time. */
const SETTLED_MS = 2_000;

/**
 * Reads each file's content once; files whose path, size and time are as remembered in the cache
 * folder are not read again.
 *
 * @throws {UserError} if the system refuses a file, or the cache folder
 */
export async function readContents(
  folder: ClassFolder,
  cacheDir: string,
  reporter: AcquireReporter,
): Promise<ImageFolder> {
  const memory = await openMemory(folder.path, cacheDir);
  const known = await memory.read();
  const isKnown = ({ relativePath, bytes, changedMs }: FoundFile) => {
    const last = known.get(relativePath);
    return last !== undefined && last[0] === bytes && last[1] === changedMs;
  };
  const unknown = folder.files.filter((file) => !isKnown(file));
  // Taken before the reading: what changes meanwhile is not settled.
  const settled = Date.now() - SETTLED_MS;
  const contents = await hashFiles(unknown, `${folder.path}: reading`, reporter);
  const next: Record<string, Remembered> = {};
  const images: ImageFile[] = [];
  const ignored: FoundFile[] = [];
  for (const file of folder.files) {
    const { relativePath, bytes, changedMs } = file;
    const { isImage, sha256 } = contents.get(file) ?? contentOf(known.get(relativePath)!);
    if (changedMs < settled) next[relativePath] = [bytes, changedMs, isImage, sha256];
    if (isImage || hasImageName(file.path)) images.push({ ...file, sha256 });
    else ignored.push(file);
  }
  if (unknown.length > 0 || known.size !== folder.files.length) await memory.write(next);
  return { path: folder.path, classes: folder.classes, images, ignored };
}

/** The file in the cache folder that remembers a folder's files. */
async function openMemory(folder: string, cacheDir: string) {
  const id = createHash("sha256").update(await Deno.realPath(folder)).digest("hex").slice(0, 16);
  const path = join(cacheDir, `files-${id}.json`);
  return {
    /** Whatever is wrong with it, the files are read again. */
    async read(): Promise<Map<string, Remembered>> {
      const text = await Deno.readTextFile(path).catch(() => "{}");
      try {
        const { version, files } = JSON.parse(text);
        if (version !== VERSION) return new Map();
        return new Map(Object.entries<Remembered>(files).filter(([, file]) => isRemembered(file)));
      } catch {
        return new Map();
      }
    },
    async write(files: Readonly<Record<string, Remembered>>): Promise<void> {
      await writeFileAtomic(path, JSON.stringify({ version: VERSION, files }));
    },
  };
}

function contentOf([, , isImage, sha256]: Remembered): Content {
  return { isImage, sha256 };
}

function isRemembered(value: unknown): value is Remembered {
  if (!Array.isArray(value)) return false;
  const [bytes, changedMs, isImage, sha256] = value;
  return Number.isFinite(bytes) && Number.isFinite(changedMs) && typeof isImage === "boolean" &&
    /^[0-9a-f]{64}$/.test(String(sha256));
}

async function hashFiles(
  files: readonly FoundFile[],
  label: string,
  reporter: AcquireReporter,
): Promise<Map<FoundFile, Content>> {
  const contents = new Map<FoundFile, Content>();
  const chunk = new Uint8Array(CHUNK_BYTES);
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  let done = 0;
  for (const [index, file] of files.entries()) {
    contents.set(file, hashFile(file.path, chunk));
    done += file.bytes;
    // Signals are heard between two turns only.
    if (index % FILES_A_TURN === 0 || index + 1 === files.length) {
      if (total > 0) reporter.progress(label, done, total);
      await eventLoopTurn();
    }
  }
  return contents;
}

function hashFile(path: string, chunk: Uint8Array): Content {
  const hash = createHash("sha256");
  let isImage: boolean | undefined;
  try {
    using file = Deno.openSync(path);
    for (let count = file.readSync(chunk); count !== null; count = file.readSync(chunk)) {
      const part = chunk.subarray(0, count);
      isImage ??= imageType(part) !== undefined;
      hash.update(part);
    }
  } catch (error) {
    throw ioError("read", path, error);
  }
  return { isImage: isImage ?? false, sha256: hash.digest("hex") };
}
