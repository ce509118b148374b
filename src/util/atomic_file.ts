import { basename, dirname, join } from "node:path";
import { ioError } from "./io_errors.ts";

/**
 * Writes a file so that its name never stands for half of it, whatever happens: to a temporary name
 * in the same folder, synced, renamed, and the folder synced. An earlier file of the name is
 * replaced. A failure leaves no temporary file behind and is a `UserError`, if the system refused.
 */
export async function writeFileAtomic(path: string, contents: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, temporaryName(basename(path)));
  try {
    await writeSynced(temporary, contents);
    await Deno.rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw ioError("write", path, error);
  }
}

/**
 * Writes a folder of files so that its name never stands for a part of them: to a temporary name
 * beside it, everything synced, renamed, and the folder above synced. A folder of that name is
 * replaced; it is out of the way for the moment between two renames. A failure leaves no temporary
 * folder behind and is a `UserError`, if the system refused.
 */
export async function writeFolderAtomic(
  path: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<void> {
  const parent = dirname(path);
  const temporary = join(parent, temporaryName(basename(path)));
  try {
    await Deno.mkdir(temporary, { recursive: true });
    for (const [name, contents] of Object.entries(files)) {
      await writeSynced(join(temporary, name), contents);
    }
    await syncFolder(temporary);
    await removeFolder(path);
    await Deno.rename(temporary, path);
    await syncFolder(parent);
  } catch (error) {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
    throw ioError("write", path, error);
  }
}

/** Removes a folder that may be absent, so that its name never stands for a part of it. */
export async function removeFolder(path: string): Promise<void> {
  const temporary = join(dirname(path), temporaryName(basename(path)));
  try {
    await Deno.rename(path, temporary);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw ioError("remove", path, error);
  }
  // What cannot be removed now is found by `removeTemporaries` later.
  await Deno.remove(temporary, { recursive: true }).catch(() => {});
}

/** Removes what writers that were killed left in a folder, of names that begin with `prefix`. */
export async function removeTemporaries(folder: string, prefix: string): Promise<void> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      const isTemporary = name.startsWith(`.${prefix}`) && /\.[0-9a-f]{8}\.tmp$/.test(name);
      if (isTemporary) await Deno.remove(join(folder, name), { recursive: true });
    }
  } catch (error) {
    throw ioError("clean", folder, error);
  }
}

function temporaryName(name: string): string {
  return `.${name}.${crypto.randomUUID().slice(0, 8)}.tmp`;
}

async function writeSynced(path: string, contents: Uint8Array | string): Promise<void> {
  const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  using file = await Deno.open(path, { write: true, createNew: true });
  await writeAll(file, bytes);
  await file.sync();
}

/** Writes all bytes at the place where the file stands: one write may take fewer. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}

/** Makes a rename last through a power cut; Windows has no way to sync a folder, nor the need. */
export async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
}
