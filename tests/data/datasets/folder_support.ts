// Small folders of pictures, for the tests of `folder:` data sets.

import { encode } from "npm:fast-png@8.0.0";
import { dirname, join } from "node:path";
import { testRandom } from "../../support.ts";

/** A PNG of noise: another one for another seed. */
export function noisePng(seed: number, height = 9, width = 7): Uint8Array {
  const random = testRandom(seed);
  const data = Uint8Array.from({ length: height * width * 3 }, () => random() * 256);
  return encode({ height, width, data, channels: 3, depth: 8 });
}

/** Writes files by their path within a folder. */
export async function writeTree(
  root: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(root, path)), { recursive: true });
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(join(root, path), bytes);
  }
}

/** Three images in two classes. */
export const THREE = {
  "cat/1.png": noisePng(1),
  "cat/deep/2.png": noisePng(2),
  "dog/3.png": noisePng(3),
} as const;
