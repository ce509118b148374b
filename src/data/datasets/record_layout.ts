// `records:PATH`: record files of any fixed-length layout, described by a small JSON file.

import { dirname, resolve } from "node:path";
import { ConfigError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import { duplicateKey } from "../../formats/json.ts";
import { imageBytes, type ImageFormat } from "../image_store.ts";
import type { Dataset, DatasetOptions } from "./dataset.ts";
import { JsonObject, visible } from "./layout_json.ts";
import { recordDataset } from "./record_dataset.ts";
import type { RecordLayout, RecordPart } from "./record_store.ts";

/** What the JSON file says. */
export interface RecordSetDescription {
  readonly layout: RecordLayout;
  readonly classes: readonly string[];
  readonly train: readonly RecordPart[];
  readonly test?: readonly RecordPart[];
}

const MAX_SIDE = 1 << 14;
const MAX_BYTES = 1 << 30;
const MAX_DESCRIPTION_BYTES = 1 << 24;

/**
 * The data set that a JSON file describes:
 *
 * ```json
 * {
 *   "image": { "height": 32, "width": 32, "channels": 3, "order": "CHW" },
 *   "recordBytes": 3073, "labelOffset": 0, "labelBytes": 1, "imageOffset": 1,
 *   "headerBytes": 0, "footerBytes": 0,
 *   "classes": ["cat", "dog"],
 *   "train": ["a.bin", { "path": "b.bin", "sha256": "…" }],
 *   "test": ["c.bin"]
 * }
 * ```
 *
 * `labelBytes`, `headerBytes`, `footerBytes`, `test` and `sha256` may be left out. Labels of two bytes are
 * little-endian. Files are relative to the folder of the JSON file.
 *
 * @throws {ConfigError} if the description is wrong: names the file and the key
 * @throws {UserError} if it cannot be read
 */
export async function openRecordSet(options: DatasetOptions, path: string): Promise<Dataset> {
  const { layout, classes, train, test } = parseRecordSet(await readDescription(path), path);
  const files = [...train, ...test ?? []];
  const summed = files.filter(({ sha256 }) => sha256 !== undefined).length;
  return recordDataset({
    name: `records:${path}`,
    classes,
    origin: `described by ${path}, ${summed} of ${files.length} file(s) verified by sha256`,
    layout,
    parts: { train, test },
    hint: `check the file, and what ${path} says of it`,
  }, options);
}

async function readDescription(path: string): Promise<string> {
  try {
    const { size, isFile } = await Deno.stat(path);
    if (isFile && size > MAX_DESCRIPTION_BYTES) {
      throw new ConfigError(
        `Cannot use ${path}: expected a description of at most ${MAX_DESCRIPTION_BYTES} bytes, found ${size}`,
        { hint: "name the JSON file that describes the records, not the records" },
      );
    }
    return await Deno.readTextFile(path);
  } catch (error) {
    throw ioError("read", path, error);
  }
}

/**
 * Reads and checks a description.
 *
 * @param path of its file, for messages and as the place that files are relative to
 * @throws {ConfigError} names the file, the key, what was expected and found
 */
export function parseRecordSet(text: string, path: string): RecordSetDescription {
  const root = new JsonObject(parseJson(text, path), path, "");
  const format = formatOf(root.object("image"));
  const layout = layoutOf(root, format);
  const classes = root.strings("classes");
  const mostClasses = 256 ** layout.labelBytes;
  if (classes.length < 2 || classes.length > mostClasses) {
    throw root.fault("classes", `2 to ${mostClasses} names`, `${classes.length}`);
  }
  const twice = classes.find((name, index) => classes.indexOf(name) !== index);
  if (twice !== undefined) throw root.fault("classes", "different names", `${quote(twice)} twice`);
  const train = partsOf(root, "train");
  const test = root.has("test") ? partsOf(root, "test") : undefined;
  root.end();
  return { layout, classes, train, test };
}

function parseJson(text: string, path: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The message quotes the text.
    const found = visible((error as Error).message);
    throw new ConfigError(`Cannot use ${path}: expected JSON, found ${found}`, {
      hint: "check its commas, quotes and brackets",
      cause: error,
    });
  }
  const twice = duplicateKey(text);
  if (twice === undefined) return value;
  throw new ConfigError(
    `Cannot use ${path}: expected every key once, found ${quote(twice)} twice`,
    {
      hint: "remove one of them",
    },
  );
}

function formatOf(image: JsonObject): ImageFormat {
  const format = {
    height: image.integer("height", 1, MAX_SIDE),
    width: image.integer("width", 1, MAX_SIDE),
    channels: image.oneOf("channels", [1, 3]),
    order: image.oneOf("order", ["CHW", "HWC"]),
  };
  image.end();
  return format;
}

function layoutOf(root: JsonObject, format: ImageFormat): RecordLayout {
  const recordBytes = root.integer("recordBytes", 1, MAX_BYTES);
  const labelBytes = root.has("labelBytes") ? root.oneOf("labelBytes", [1, 2]) : 1;
  const labelOffset = root.integer("labelOffset", 0, MAX_BYTES);
  const pixelOffset = root.integer("imageOffset", 0, MAX_BYTES);
  const pixels = imageBytes(format);
  const within = (key: string, what: string, offset: number, bytes: number) => {
    if (offset + bytes <= recordBytes) return;
    const last = recordBytes - bytes;
    const expected = last < 0
      ? `recordBytes of at least ${bytes}, as ${what} has ${bytes} bytes`
      : `at most ${last}, as ${what} of ${bytes} bytes must be within a record of ${recordBytes}`;
    throw root.fault(key, expected, last < 0 ? `${recordBytes}` : `${offset}`);
  };
  within("labelOffset", "the label", labelOffset, labelBytes);
  within("imageOffset", "the image", pixelOffset, pixels);
  if (labelOffset < pixelOffset + pixels && pixelOffset < labelOffset + labelBytes) {
    const image = `${pixelOffset} to ${pixelOffset + pixels - 1}`;
    throw root.fault(
      "labelOffset",
      `a label outside of the image (bytes ${image})`,
      `${labelOffset}`,
    );
  }
  return {
    format,
    recordBytes,
    labelOffset,
    labelBytes,
    pixelOffset,
    headerBytes: root.has("headerBytes") ? root.integer("headerBytes", 0, MAX_BYTES) : 0,
    footerBytes: root.has("footerBytes") ? root.integer("footerBytes", 0, MAX_BYTES) : 0,
  };
}

function partsOf(root: JsonObject, key: string): RecordPart[] {
  const parts = root.list(key).map((entry, index): RecordPart => {
    if (typeof entry === "string" && entry !== "") return { path: resolved(root, entry) };
    const part = new JsonObject(entry, root.file, `${key}[${index}]`);
    const path = resolved(root, part.text("path"));
    const sha256 = part.has("sha256") ? part.text("sha256").toLowerCase() : undefined;
    if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
      throw part.fault("sha256", "64 hexadecimal digits", quote(sha256));
    }
    part.end();
    return { path, sha256 };
  });
  if (parts.length === 0) throw root.fault(key, "at least one file", "none");
  return parts;
}

function resolved(root: JsonObject, path: string): string {
  return resolve(dirname(root.file), path);
}

function quote(value: string): string {
  return visible(JSON.stringify(value));
}
