// Which settings a resumed run may have otherwise than it was started with.

import { createHash } from "node:crypto";
import { ConfigError } from "../util/errors.ts";
import { nearest } from "../util/suggest.ts";
import type { TrainConfig } from "./config.ts";
import { flagName } from "./flags.ts";
import { absoluteModel } from "./model_file.ts";
import type { SavedData, SavedMachine, SavedRun } from "./saved_run.ts";

/** Settings that say how a run is computed and kept on this machine, and nothing of what it computes. */
const FREE_SETTINGS = [
  "runDir",
  "resume",
  "allowChange",
  "onFull",
  "workers",
  "threads",
  "dataDir",
  "dataUrl",
  "cacheDir",
  "dataMemory",
] as const satisfies readonly (keyof TrainConfig)[];

/** The setting that stands for what the device is, rather than for how it was asked for. */
const DEVICE_SETTING = "device";

/** Classes that a message names. */
const SHOWN_CLASSES = 10;

/** One setting that differs. */
export interface ConfigChange {
  /** As it is named in `--allow-change`. */
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** sha256 of all that decides what a run computes. */
export function configHash({ config, data, machine, finetune }: SavedRun): string {
  const settings = Object.entries(config).filter(([name]) => counts(name)).sort();
  const identity = [
    ...[settings, data.classes, data.normalization, data.fingerprint, machine.device],
    ...(finetune === undefined ? [] : [finetune.fresh]),
  ];
  return createHash("sha256").update(JSON.stringify(identity)).digest("hex");
}

/** The settings that differ between a run as it was started and one that would go on with it. */
export function configChanges(before: TrainConfig, after: TrainConfig): ConfigChange[] {
  // One file may be named from two folders.
  const [was, is] = [before, after].map((config) => ({
    ...config,
    model: absoluteModel(config.model),
  }));
  const names = Object.keys(after) as (keyof TrainConfig)[];
  return names.filter(counts)
    .map((name) => ({ name: flagName(name), before: was[name], after: is[name] }))
    .filter((change) => change.before !== change.after);
}

/** What differs of the data and the device. */
export function surroundingsChanges(
  before: { readonly data: SavedData; readonly machine: SavedMachine },
  after: { readonly data: SavedData; readonly machine: SavedMachine },
): ConfigChange[] {
  const changes: ConfigChange[] = [];
  if (before.machine.device !== after.machine.device) {
    changes.push({
      name: DEVICE_SETTING,
      before: before.machine.device,
      after: after.machine.device,
    });
  }
  const [was, is] = [before.data, after.data];
  if (
    was.fingerprint !== is.fingerprint || JSON.stringify(was.classes) !== JSON.stringify(is.classes)
  ) {
    const words = ({ classes, fingerprint }: SavedData) =>
      `${namesOf(classes)}; training images ${fingerprint.slice(0, 12)}`;
    changes.push({ name: "dataset", before: words(was), after: words(is) });
  }
  return changes;
}

/**
 * Refuses changes that are not allowed by name.
 *
 * @param allowed names, separated by commas
 * @throws {ConfigError} that lists them as before and after
 */
export function checkChanges(
  runDir: string,
  changes: readonly ConfigChange[],
  allowed: string | null,
): void {
  const names = allowedNames(allowed);
  const refused = changes.filter(({ name }) => !names.includes(name));
  if (refused.length === 0) return;
  const list = refused.map(({ name, before, after }) =>
    `${name} ${JSON.stringify(before)} became ${JSON.stringify(after)}`
  );
  const all = [...new Set([...names, ...refused.map(({ name }) => name)])];
  throw new ConfigError(`Cannot resume ${runDir} with another config: ${list.join("; ")}`, {
    hint: `leave these flags out, or allow it: --allow-change ${all.join(",")}`,
  });
}

/** @throws {ConfigError} if a name in `--allow-change` is no setting of a run */
export function checkAllowedNames(allowed: string | null, known: readonly string[]): void {
  for (const name of allowedNames(allowed)) {
    if (known.includes(name)) continue;
    const near = nearest(name, [...known]);
    throw new ConfigError(`--allow-change names the unknown setting ${JSON.stringify(name)}`, {
      hint: near === undefined ? "see deno task train --help" : `did you mean ${near}?`,
    });
  }
}

function allowedNames(allowed: string | null): string[] {
  return allowed === null ? [] : allowed.split(",").map((name) => name.trim());
}

/** How many classes there are, and what the first are called. */
function namesOf(classes: readonly string[]): string {
  const rest = classes.length > SHOWN_CLASSES ? ", …" : "";
  return `${classes.length} classes: ${classes.slice(0, SHOWN_CLASSES).join(", ")}${rest}`;
}

/** Whether a setting is part of what a run computes; of the device its kind is, told apart elsewhere. */
function counts(name: string): boolean {
  return name !== DEVICE_SETTING && !(FREE_SETTINGS as readonly string[]).includes(name);
}
