import { ConfigError } from "../util/errors.ts";
import { nearest } from "../util/suggest.ts";
import type { Dataset } from "./datasets/dataset.ts";
import { ImageStore, sharedLabels } from "./image_store.ts";

/** Names that an error lists at most. */
const SHOWN = 12;

/**
 * The images of some of a data set's classes; the classes keep their names, and are numbered as listed.
 *
 * @param list labels or names, separated by commas; null: the data set as it is
 * @throws {ConfigError} if a class is not there or twice, or there are fewer than two
 */
export function withClasses(dataset: Dataset, list: string | null): Dataset {
  if (list === null) return dataset;
  const { classes, name } = dataset;
  const labels = list.split(",").map((part) => labelOf(part.trim(), dataset));
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice !== undefined || labels.length < 2) {
    const found = twice === undefined ? JSON.stringify(list) : `${classes[twice]} twice`;
    throw new ConfigError(`--classes must be at least two classes of ${name}: found ${found}`, {
      hint: "for example --classes 0,1",
    });
  }
  return {
    ...dataset,
    classes: labels.map((label) => classes[label]),
    splits: dataset.splits,
    open: async (split) => ofClasses(await dataset.open(split), labels),
  };
}

function labelOf(text: string, { name, classes }: Dataset): number {
  const byName = classes.indexOf(text);
  if (byName !== -1) return byName;
  const label = /^\d+$/.test(text) ? Number(text) : -1;
  if (label >= 0 && label < classes.length) return label;
  const near = nearest(text, classes);
  const more = classes.length > SHOWN ? ", …" : "";
  throw new ConfigError(
    `--classes ${JSON.stringify(text)} is no class of ${name}: expected 0 to ${
      classes.length - 1
    } or one of ${classes.slice(0, SHOWN).join(", ")}${more}`,
    { hint: near === undefined ? "for example --classes 0,1" : `did you mean ${near}?` },
  );
}

/** The examples with one of the labels, which become 0, 1 and so on. */
function ofClasses(store: ImageStore, labels: readonly number[]): ImageStore {
  const numbers = new Map(labels.map((label, number) => [label, number]));
  const indices: number[] = [];
  store.labels.forEach((label, i) => {
    if (numbers.has(label)) indices.push(i);
  });
  const chosen = store.subset(indices);
  const renumbered = Array.from(chosen.labels, (label) => numbers.get(label)!);
  return new ImageStore({ ...chosen.data, labels: sharedLabels(renumbered) });
}
