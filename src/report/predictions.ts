import { type Cell, formatTable } from "../util/table.ts";
import { formatShare } from "../util/units.ts";
import { csvLine } from "./confusion_csv.ts";

/** What was said of an image: its likeliest classes, best first. */
export interface Prediction {
  /** The path of its file, or `-`. */
  readonly image: string;
  readonly classes: readonly { readonly class: string; readonly probability: number }[];
}

/** A row an image: its classes, each with its probability. */
export function predictionTable(predictions: readonly Prediction[]): string {
  const ranks = Math.max(0, ...predictions.map(({ classes }) => classes.length));
  const rows = predictions.map(({ image, classes }): Cell[] => [
    image,
    ...classes.flatMap(({ class: name, probability }) => [name, formatShare(probability)]),
  ]);
  const columns = Array.from({ length: ranks }, (_, rank) => [ordinal(rank + 1), ""]).flat();
  return formatTable(rows, { columns: ["image", ...columns], align: `l${"lr".repeat(ranks)}` });
}

/** A line for each class of each image: `image,rank,class,probability`. */
export function predictionCsv(predictions: readonly Prediction[]): string {
  const lines = predictions.flatMap(({ image, classes }) =>
    classes.map(({ class: name, probability }, rank) =>
      csvLine([image, rank + 1, name, probability])
    )
  );
  return csvLine(["image", "rank", "class", "probability"]) + lines.join("");
}

/** 1st, 2nd, 3rd, 4th, 11th, 21st */
function ordinal(rank: number): string {
  const isTeen = rank % 100 > 10 && rank % 100 < 14;
  const ending = isTeen ? undefined : ["th", "st", "nd", "rd"][rank % 10];
  return `${rank}${ending ?? "th"}`;
}
