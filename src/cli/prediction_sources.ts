// The images that `predict` was asked about.

import { extname, join } from "node:path";
import { decodeFiles } from "../data/images/decode_pool.ts";
import { imageFromBytes, type ImageSize, MAX_FILE_BYTES } from "../data/images/load_image.ts";
import { DataError, UserError } from "../util/errors.ts";
import { ioError } from "../util/io_errors.ts";

/** The argument that stands for an image on standard input. */
export const STDIN = "-";

const ENDINGS = [".png", ".jpg", ".jpeg", ".jpe", ".jfif"];

/** An image that could not be had, and why. */
export interface Fault {
  readonly image: string;
  readonly error: UserError;
}

/**
 * The files that arguments stand for: a file, all PNG and JPEG files below a folder, sorted by their
 * paths, or {@linkcode STDIN}. Hidden files are left out, links followed.
 *
 * @param onFault hears of what is not there, and of folders without images
 */
export async function findImages(
  names: readonly string[],
  onFault: (fault: Fault) => void,
): Promise<string[]> {
  const images: string[] = [];
  for (const name of names) {
    try {
      if (name === STDIN || !(await Deno.stat(name)).isDirectory) {
        images.push(name);
        continue;
      }
      const found: string[] = [];
      await collect(name, new Set(), found);
      if (found.length === 0) {
        throw new DataError(`Cannot predict ${name}: expected PNG or JPEG files, found none`, {
          hint: "name a folder with images, or the files themselves",
        });
      }
      images.push(...found.sort());
    } catch (cause) {
      const error = ioError("read", name, cause);
      if (!(error instanceof UserError)) throw error;
      onFault({ image: name, error });
    }
  }
  return images;
}

async function collect(folder: string, entered: Set<string>, found: string[]): Promise<void> {
  const real = await Deno.realPath(folder);
  if (entered.has(real)) return;
  entered.add(real);
  const names = (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
  for (const name of names) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.isDirectory) await collect(path, entered, found);
    else if (ENDINGS.includes(extname(name).toLowerCase())) found.push(path);
  }
}

/** An image of the size that is asked for, or what is wrong with it. */
export interface Decoded {
  readonly image: string;
  /** Planes, [3, height, width]. */
  readonly pixels: Uint8Array | UserError;
}

/** Reads and decodes images, in their order. */
export async function* decodeImages(
  images: readonly string[],
  { size, workers }: { size: ImageSize; workers: number },
): AsyncGenerator<Decoded> {
  const files = images.filter((image) => image !== STDIN);
  const decoded = files.length === 0
    ? undefined
    : decodeFiles(files, { size, workers, refused: "give" });
  try {
    for (const image of images) {
      if (image === STDIN) {
        yield { image, pixels: await decodeStdin(size) };
        continue;
      }
      const next = await decoded?.next();
      if (next === undefined || next.done) throw new Error(`${image} was not decoded`);
      yield { image, pixels: next.value };
    }
  } finally {
    await decoded?.return();
  }
}

async function decodeStdin(size: ImageSize): Promise<Uint8Array | UserError> {
  try {
    return await imageFromBytes(await readStdin(), "standard input", size);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of Deno.stdin.readable) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_FILE_BYTES) {
      throw new DataError(
        `Cannot decode standard input as it is too large: expected at most ${MAX_FILE_BYTES} bytes`,
      );
    }
  }
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
