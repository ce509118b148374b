// A large file that is written piece by piece, and goes on where it was interrupted.

import { dirname } from "node:path";
import { syncFolder, writeAll, writeFileAtomic } from "./atomic_file.ts";
import { UserError } from "./errors.ts";
import { ioError } from "./io_errors.ts";
import { parseObject } from "./json.ts";

/** Milliseconds between the moments up to which an interrupted file is kept. */
const SYNC_EVERY = 5_000;

/** What a file is made of. */
export interface PartOptions {
  /** Says what the file is of: only a part with the same words is gone on with. */
  readonly identity: string;
  /** The bytes before the rows. */
  readonly prefix: Uint8Array;
  readonly rowBytes: number;
}

/** How a file was begun. */
export type PartStart = "new" | "resumed" | "another";

/**
 * Rows of bytes behind a prefix, written to `path.part`; `path.part.json` says what they are of and how
 * many of them are on the disk for certain. `finish` gives the file its name.
 */
export class PartFile implements Disposable {
  /** Rows written so far. */
  rows: number;
  readonly start: PartStart;
  readonly #path: string;
  readonly #identity: string;
  readonly #file: Deno.FsFile;
  #synced = performance.now();

  private constructor(
    path: string,
    identity: string,
    opened: { file: Deno.FsFile; start: PartStart; rows: number },
  ) {
    this.#path = path;
    this.#identity = identity;
    this.#file = opened.file;
    this.start = opened.start;
    this.rows = opened.rows;
  }

  /**
   * Opens the part that is there, if it is of the same, else begins.
   *
   * @throws {UserError} if it cannot be written, or another process writes it
   */
  static async open(path: string, options: PartOptions): Promise<PartFile> {
    const { identity, prefix, rowBytes } = options;
    const part = partOf(path);
    let file: Deno.FsFile | undefined;
    try {
      file = await Deno.open(part, { read: true, write: true, create: true });
      if (!await file.tryLock(true)) {
        throw new UserError(`Cannot write ${path} as another process writes it`, {
          hint: "wait for it, or choose another --out",
        });
      }
      const { size } = await file.stat();
      const known = await readSidecar(path);
      const isSame = known?.identity === identity && size >= prefix.length + known.rows * rowBytes;
      const rows = isSame ? known.rows : 0;
      // First, so that it never stands beside rows of another.
      if (!isSame && known !== undefined) await Deno.remove(sidecarOf(path));
      await file.truncate(isSame ? prefix.length + rows * rowBytes : 0);
      await file.seek(0, Deno.SeekMode.Start);
      if (!isSame) {
        await writeAll(file, prefix);
        await writeSidecar(path, identity, 0);
      }
      await file.seek(0, Deno.SeekMode.End);
      const start = isSame ? "resumed" : size > 0 ? "another" : "new";
      return new PartFile(path, identity, { file, start, rows });
    } catch (error) {
      file?.close();
      throw ioError("write", part, error);
    }
  }

  /** Adds rows; from time to time they are brought to the disk. @throws {UserError} if it is full */
  async append(bytes: Uint8Array, rows: number): Promise<void> {
    try {
      await writeAll(this.#file, bytes);
      this.rows += rows;
      if (performance.now() - this.#synced > SYNC_EVERY) await this.sync();
    } catch (error) {
      throw ioError("write", partOf(this.#path), error);
    }
  }

  /** Makes all rows last: an interrupted file goes on behind them. */
  async sync(): Promise<void> {
    await this.#file.sync();
    await writeSidecar(this.#path, this.#identity, this.rows);
    this.#synced = performance.now();
  }

  /** Gives the whole file its name; an earlier file of that name is replaced. */
  async finish(): Promise<void> {
    try {
      await this.#file.sync();
      await Deno.rename(partOf(this.#path), this.#path);
      await syncFolder(dirname(this.#path));
      await Deno.remove(sidecarOf(this.#path));
    } catch (error) {
      throw ioError("write", this.#path, error);
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function partOf(path: string): string {
  return `${path}.part`;
}

function sidecarOf(path: string): string {
  return `${path}.part.json`;
}

async function writeSidecar(path: string, identity: string, rows: number): Promise<void> {
  await writeFileAtomic(sidecarOf(path), JSON.stringify({ identity, rows }) + "\n");
}

/** What the sidecar says; undefined if there is none, or it is damaged: the file is then begun anew. */
async function readSidecar(
  path: string,
): Promise<{ readonly identity: string; readonly rows: number } | undefined> {
  const text = await Deno.readTextFile(sidecarOf(path)).catch(() => "");
  const { identity, rows } = parseObject(text) ?? {};
  return typeof identity === "string" && Number.isSafeInteger(rows) && (rows as number) >= 0
    ? { identity, rows: rows as number }
    : undefined;
}
