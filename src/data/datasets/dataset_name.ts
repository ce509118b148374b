// How a user names a data set: `--dataset cifar10`, `--dataset folder:pictures`.

import { ConfigError } from "../../util/errors.ts";
import { nearest } from "../../util/suggest.ts";

/** A data set's name, understood. */
export type DatasetName =
  | { readonly kind: "cifar10" }
  | { readonly kind: "cifar100"; readonly labels: "fine" | "coarse" }
  | { readonly kind: "svhn"; readonly extra: boolean }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "records"; readonly path: string };

/** The ways to name a data set, for the help and for errors. */
export const DATASET_FORMS = [
  "cifar10",
  "cifar100",
  "cifar100:coarse",
  "svhn",
  "svhn:extra",
  "folder:PATH",
  "records:PATH",
] as const;

const PLAIN: Readonly<Record<string, DatasetName>> = {
  cifar10: { kind: "cifar10" },
  cifar100: { kind: "cifar100", labels: "fine" },
  "cifar100:fine": { kind: "cifar100", labels: "fine" },
  "cifar100:coarse": { kind: "cifar100", labels: "coarse" },
  svhn: { kind: "svhn", extra: false },
  "svhn:extra": { kind: "svhn", extra: true },
};

/** @throws {ConfigError} if the text names no data set */
export function parseDatasetName(text: string): DatasetName {
  if (Object.hasOwn(PLAIN, text)) return PLAIN[text];
  const [, kind, path] = /^(folder|records):(.+)$/.exec(text) ?? [];
  if (kind === "folder" || kind === "records") return { kind, path };
  const near = nearest(text, Object.keys(PLAIN));
  const form = text.replace(/:.*/, "");
  const hint = form === "folder" || form === "records"
    ? `write --dataset ${form}:PATH, with the path of ${
      form === "folder" ? "a folder of one sub-folder a class" : "the JSON file of its layout"
    }`
    : near === undefined
    ? "for your own images: --dataset folder:PATH"
    : `did you mean ${near}?`;
  throw new ConfigError(
    `--dataset must be one of ${DATASET_FORMS.join(", ")}: found ${JSON.stringify(text)}`,
    { hint },
  );
}

/** Where a data set's files are if `--data-dir` does not say; `folder` and `records` name their own place. */
export function defaultDataDir(name: DatasetName): string {
  switch (name.kind) {
    case "cifar10":
      return "data/cifar-10-batches-bin";
    case "cifar100":
      return "data/cifar-100-binary";
    case "svhn":
      return "data/svhn";
    default:
      return name.path;
  }
}
