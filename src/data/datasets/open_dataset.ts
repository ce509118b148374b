import { openCifar10 } from "./cifar10.ts";
import { openCifar100 } from "./cifar100.ts";
import type { Dataset, DatasetOptions } from "./dataset.ts";
import type { DatasetName } from "./dataset_name.ts";
import { openFolder } from "./folder.ts";
import { openRecordSet } from "./record_layout.ts";
import { openSvhn } from "./svhn.ts";

/**
 * Finds a data set's files, fetches what is missing, verifies what there is.
 *
 * @throws {DataError} if a file is missing or damaged
 * @throws {ConfigError} if a setting does not suit the data set
 */
export function openDataset(name: DatasetName, options: DatasetOptions): Promise<Dataset> {
  switch (name.kind) {
    case "cifar10":
      return openCifar10(options);
    case "cifar100":
      return openCifar100(options, name.labels);
    case "svhn":
      return openSvhn(options, { extra: name.extra });
    case "folder":
      return openFolder(options, name.path);
    case "records":
      return openRecordSet(options, name.path);
  }
}
