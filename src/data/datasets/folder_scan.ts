// Which files lie in which class of a folder of images.

import { extname, join } from "node:path";
import { DataError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import { listed } from "../../util/listed.ts";

/** A file in a class folder, image or not. */
export interface FoundFile {
  /** The place of its class in the sorted names. */
  readonly label: number;
  readonly path: string;
  /** Within the folder that holds the classes, with `/`. */
  readonly relativePath: string;
  readonly bytes: number;
  /** When it was changed last, ms. */
  readonly changedMs: number;
}

/** A folder with one sub-folder a class. */
export interface ClassFolder {
  readonly path: string;
  readonly classes: readonly string[];
  /** Ordered by class, then by path. */
  readonly files: readonly FoundFile[];
}

/** Labels are stored as 16 bits. */
export const MAX_CLASSES = 65_536;
const MIN_CLASSES = 2;
const LAYOUT_HINT = "give each class a sub-folder with its images: PATH/cat/1.png, PATH/dog/1.png";
const TEST_NAMES = ["test", "val", "validation"];

/** The parts of a folder: its `train` and `test` (or `val`, `validation`) where it has both, else all of it. */
export interface FolderParts {
  readonly train: string;
  readonly test?: string;
  /** Sub-folders that are in no part. */
  readonly unused: readonly string[];
}

/** @throws {DataError} if it is no folder, or holds none */
export async function findParts(path: string): Promise<FolderParts> {
  const names = await subFolders(path);
  const test = TEST_NAMES.find((name) => names.includes(name));
  if (test === undefined || !names.includes("train")) return { train: path, unused: [] };
  return {
    train: join(path, "train"),
    test: join(path, test),
    unused: names.filter((name) => name !== "train" && name !== test),
  };
}

/**
 * Lists the files of all classes. Hidden files and folders are left out; links are followed, but no
 * folder is entered twice for a class.
 *
 * @throws {DataError} if there are too few classes, or too many
 * @throws {UserError} if the system refuses a folder
 */
export async function scanClasses(path: string): Promise<ClassFolder> {
  const classes = await subFolders(path);
  checkClasses(path, classes);
  const files: FoundFile[] = [];
  for (const [label, name] of classes.entries()) {
    const found: FoundFile[] = [];
    await collect({ path: join(path, name), relativePath: name, label }, new Set(), found);
    files.push(...found.sort((a, b) => a.relativePath < b.relativePath ? -1 : 1));
  }
  return { path, classes, files };
}

/** @throws {DataError} if their number is out of range */
export function checkClasses(path: string, classes: readonly string[]): void {
  const count = classes.length;
  if (count >= MIN_CLASSES && count <= MAX_CLASSES) return;
  const found = count === 1 ? `only ${classes[0]}` : `${count}`;
  throw new DataError(
    `Cannot use ${path} as a folder of images: expected ${MIN_CLASSES} to ${MAX_CLASSES} classes, found ${found}`,
    { hint: count > MAX_CLASSES ? "merge some of them" : LAYOUT_HINT },
  );
}

/** @throws {DataError} if the two parts differ in their classes */
export function checkSameClasses(train: ClassFolder, test: ClassFolder): void {
  const [inTrain, inTest] = [new Set(train.classes), new Set(test.classes)];
  const missing = [...inTrain.difference(inTest)];
  const extra = [...inTest.difference(inTrain)];
  if (missing.length === 0 && extra.length === 0) return;
  const differences = [
    ...missing.length === 0 ? [] : [`only ${train.path} has ${namesOf(missing)}`],
    ...extra.length === 0 ? [] : [`only ${test.path} has ${namesOf(extra)}`],
  ];
  throw new DataError(
    `Cannot use ${test.path} for testing as its classes differ: ${differences.join(", ")}`,
    { hint: "give both the same sub-folders" },
  );
}

const NAMES_SHOWN = 5;

/** The first few names, and how many more there are. */
export function namesOf(names: readonly string[]): string {
  return listed(names, ", ", NAMES_SHOWN);
}

/** Names of the folders in a folder, links to folders among them, sorted by code units. */
async function subFolders(path: string): Promise<string[]> {
  const entries = await entriesOf(path);
  const names: string[] = [];
  for (const entry of entries) {
    if (
      entry.isDirectory || (entry.isSymlink && (await statOf(join(path, entry.name)))?.isDirectory)
    ) {
      names.push(entry.name);
    }
  }
  return names.sort();
}

interface Place {
  readonly path: string;
  readonly relativePath: string;
  readonly label: number;
}

async function collect(folder: Place, entered: Set<string>, found: FoundFile[]): Promise<void> {
  const real = await realPath(folder.path);
  if (entered.has(real)) return;
  entered.add(real);
  // Sorted, so that of two links to one folder always the same is followed.
  const entries = (await entriesOf(folder.path)).sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name } of entries) {
    const path = join(folder.path, name);
    const place = { path, relativePath: `${folder.relativePath}/${name}`, label: folder.label };
    const info = await statOf(path);
    if (info?.isDirectory) {
      await collect(place, entered, found);
    } else if (info?.isFile) {
      found.push({ ...place, bytes: info.size, changedMs: info.mtime?.getTime() ?? 0 });
    } else if (info === undefined && hasImageName(name)) {
      // A link to nothing: reading it will say so.
      found.push({ ...place, bytes: 0, changedMs: 0 });
    }
  }
}

const IMAGE_ENDINGS = [
  ...[".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp"],
  ...[".tif", ".tiff", ".avif", ".heic", ".jxl", ".ppm", ".pgm"],
];

/** Whether a file's name says that it is an image. */
export function hasImageName(name: string): boolean {
  return IMAGE_ENDINGS.includes(extname(name).toLowerCase());
}

async function entriesOf(path: string): Promise<Deno.DirEntry[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries.filter(({ name }) => !name.startsWith("."));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      const found = error instanceof Deno.errors.NotFound ? "nothing of that name" : "a file";
      throw new DataError(`Cannot use ${path}: expected a folder of images, found ${found}`, {
        hint: "check the path behind --dataset folder:",
        cause: error,
      });
    }
    throw ioError("read", path, error);
  }
}

/** Undefined for a link to nothing. */
async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw ioError("read", path, error);
  }
}

async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    throw ioError("read", path, error);
  }
}
