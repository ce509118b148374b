// The fonts of the system, for letters that the package's fonts lack.

import { join } from "node:path";

/** The scripts that DejaVu Sans has; emoji and the like are drawn as boxes where it lacks them. */
const COVERED = new RegExp(
  "^[\\p{Script=Latin}\\p{Script=Greek}\\p{Script=Cyrillic}\\p{Script=Armenian}\\p{Script=Georgian}" +
    "\\p{Script=Hebrew}\\p{Script=Arabic}\\p{Script=Lao}\\p{Script=Common}\\p{Script=Inherited}]*$",
  "u",
);

/** Where Linux, macOS and Windows keep fonts for all users. */
const FOLDERS = [
  "/usr/share/fonts",
  "/usr/local/share/fonts",
  "/System/Library/Fonts",
  "/Library/Fonts",
  "C:\\Windows\\Fonts",
];

/** Fonts for many scripts, by the names of their files. */
const WANTED = new RegExp(
  "^(noto(sans|serif).*(cjk|sc|tc|jp|kr|thai|devanagari|bengali|tamil|ethiopic|khmer)|droidsansfallback" +
    "|wqy|ipa(ex)?g|unifont|source.?han|pingfang|hiragino|applesdgothic|arial.?unicode|thonburi|kohinoor" +
    "|msyh|yugoth|malgun|nirmala|leelawad|freesans).*\\.(ttf|otf|ttc)$",
  "i",
);
const MOST_BYTES = 128 * 2 ** 20;

/** Whether the package's fonts have the letters of a text. */
export function isCovered(text: string): boolean {
  return COVERED.test(text);
}

/** The contents of fonts of the system that have more letters; none if there are none. */
export async function systemFonts(): Promise<Uint8Array[]> {
  const paths: string[] = [];
  for (const folder of FOLDERS) await collect(folder, paths);
  const fonts: Uint8Array[] = [];
  let bytes = 0;
  for (const path of paths.sort()) {
    const { size } = await Deno.stat(path);
    if (bytes + size > MOST_BYTES) continue;
    bytes += size;
    fonts.push(await Deno.readFile(path));
  }
  return fonts;
}

/** A folder that is missing or closed to us has no fonts. */
async function collect(folder: string, paths: string[]): Promise<void> {
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) await collect(join(folder, name), paths);
      else if (WANTED.test(name)) paths.push(join(folder, name));
    }
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable ||
      error instanceof Deno.errors.NotADirectory;
    if (!absent) throw error;
  }
}
