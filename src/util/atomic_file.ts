import { basename, dirname, join } from "node:path";
import { ioError } from "./io_errors.ts";

/**
 * Writes a file so that its name never stands for half of it, whatever happens: to a temporary name
 * in the same folder, synced, renamed, and the folder synced. An earlier file of the name is
 * replaced. A failure leaves no temporary file behind and is a `UserError`, if the system refused.
 */
export async function writeFileAtomic(path: string, contents: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${crypto.randomUUID().slice(0, 8)}.tmp`);
  const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  try {
    await writeSynced(temporary, bytes);
    await Deno.rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw ioError("write", path, error);
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  for (let done = 0; done < bytes.length;) {
    done += await file.write(bytes.subarray(done));
  }
  await file.sync();
}

/** Makes a rename last through a power cut; Windows has no way to sync a folder, nor the need. */
export async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
}
