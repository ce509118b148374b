/** Data sets of a few records, for tests of the command line. */
import { join } from "node:path";

/** A label and 32x32 pixels in planes, as CIFAR-10 has them. */
export const RECORD_BYTES = 1 + 32 * 32 * 3;

/** Writes a data set into a folder; returns its name for `--dataset`. */
export async function writeRecordSet(
  folder: string,
  { classes, train, test }: {
    readonly classes: readonly string[];
    readonly train: Uint8Array<ArrayBuffer>;
    readonly test: Uint8Array<ArrayBuffer>;
  },
): Promise<string> {
  await Deno.writeFile(join(folder, "train.bin"), train);
  await Deno.writeFile(join(folder, "test.bin"), test);
  const path = join(folder, "set.json");
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      image: { height: 32, width: 32, channels: 3, order: "CHW" },
      recordBytes: RECORD_BYTES,
      labelOffset: 0,
      imageOffset: 1,
      classes,
      train: ["train.bin"],
      test: ["test.bin"],
    }),
  );
  return `records:${path}`;
}
