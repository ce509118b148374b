import { join } from "node:path";
import { encodeSafetensors } from "../../formats/safetensors.ts";
import { NO_STATISTICS, type StatisticsLayout } from "../../nn/statistics.ts";
import { momentsTensors } from "./moments_tensors.ts";
import { type ParameterLayout, splitBlock } from "../../nn/parameters.ts";
import { writeFileAtomic, writeFolderAtomic } from "../../util/atomic_file.ts";
import { LOOKAHEAD } from "../lookahead.ts";
import type { TrainerState } from "../trainer.ts";
import { checkpointPath } from "./list_checkpoints.ts";
import { encodeManifest, type Manifest, MANIFEST_FILE, sha256Of } from "./manifest.ts";

/** The files of a checkpoint. */
export const FILES = {
  /** The parameters by the model's names, and the running moments of its batch normalizations. */
  model: "model.safetensors",
  /** Their exponential moving averages by the same names, and the same moments. */
  averages: "ema.safetensors",
  /** What the optimizer and lookahead remember: `velocity/conv1/weights`; absent for plain SGD. */
  optimizer: "optimizer.safetensors",
} as const;

/** A manifest before its files are written. */
export type ManifestDraft = Omit<Manifest, "files" | "step">;

/**
 * Writes `checkpoints/step-00002000` of a run: under a temporary name, synced, then renamed, so that a
 * folder of that name is always whole.
 *
 * @returns the folder's path and its manifest
 * @throws {UserError} if it cannot be written; other checkpoints are untouched
 */
export async function writeCheckpoint(
  runDir: string,
  layout: ParameterLayout,
  { state, draft, statistics = NO_STATISTICS }: {
    state: TrainerState;
    draft: ManifestDraft;
    /** Where the running moments lie; default: there are none. */
    statistics?: StatisticsLayout;
  },
): Promise<{ path: string; manifest: Manifest }> {
  const path = checkpointPath(runDir, state.step);
  const metadata = { format: "kiln-checkpoint", model: draft.model, step: String(state.step) };
  const moments = momentsTensors(statistics, state.statistics);
  const files: Record<string, Uint8Array | string> = {
    [FILES.model]: encodeSafetensors(
      { ...tensorsOf(layout, state.parameters), ...moments },
      metadata,
    ),
    [FILES.averages]: encodeSafetensors(
      { ...tensorsOf(layout, state.averages), ...moments },
      metadata,
    ),
  };
  const slots = Object.entries(state.optimizer);
  if (slots.length > 0) {
    const tensors = slots.flatMap(([slot, block]) =>
      Object.entries(tensorsOf(layout, block)).map(([name, tensor]) =>
        [`${slot}/${name}`, tensor] as const
      )
    );
    const slow = momentsTensors(statistics, state.slowStatistics, `${LOOKAHEAD}/`);
    const all = { ...Object.fromEntries(tensors), ...slow };
    files[FILES.optimizer] = encodeSafetensors(all, metadata);
  }
  const sums = Object.entries(files).map(([name, bytes]) =>
    [name, { bytes: bytes.length, sha256: sha256Of(bytes) }] as const
  );
  const manifest: Manifest = { ...draft, step: state.step, files: Object.fromEntries(sums) };
  await writeFolderAtomic(path, { ...files, [MANIFEST_FILE]: encodeManifest(manifest) });
  return { path, manifest };
}

/** Replaces the manifest of a checkpoint, as when its precision is known; the tensors stay. */
export async function rewriteManifest(path: string, manifest: Manifest): Promise<void> {
  await writeFileAtomic(join(path, MANIFEST_FILE), encodeManifest(manifest));
}

function tensorsOf(layout: ParameterLayout, block: Float32Array<ArrayBuffer>) {
  const values = splitBlock(layout, block);
  return Object.fromEntries(
    layout.specs.map(({ name, shape }) =>
      [name, { dtype: "F32" as const, shape, data: values[name] }] as const
    ),
  );
}
