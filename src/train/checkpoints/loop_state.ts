// What the training loop remembers beside the tensors; plain JSON, part of a checkpoint's manifest.

import type { PlateauState } from "../../optim/plateau.ts";
import { isObject } from "../../util/json.ts";

/** The best evaluation so far. */
export interface Best {
  readonly step: number;
  /** Precision @ 1 of the moving averages on the first evaluation set. */
  readonly precision: number;
}

/** What the loop goes on with, so that a resumed run says and does what an uninterrupted one would. */
export interface LoopState {
  /** Moving average of the loss. */
  readonly lossAverage: number;
  /** Losses of the steps since the last log line. */
  readonly window: readonly number[];
  /** Bytes of `metrics.jsonl` that belong to the steps done. */
  readonly metricsBytes: number;
  readonly best: Best | null;
  /** Evaluations since the best one. */
  readonly sinceBest: number;
  /** Of the schedule `plateau`; null with another. */
  readonly plateau: PlateauState | null;
  /** Whether an evaluation was due at this step and has not been done. */
  readonly evaluationIsDue: boolean;
}

/** Before the first step. */
export const FRESH_LOOP: LoopState = {
  lossAverage: 0,
  window: [],
  metricsBytes: 0,
  best: null,
  sinceBest: 0,
  plateau: null,
  evaluationIsDue: false,
};

/** The state in a JSON value; undefined if it is none. */
export function parseLoopState(json: unknown): LoopState | undefined {
  if (!isObject(json)) return undefined;
  const { lossAverage, window, metricsBytes, best, sinceBest, plateau, evaluationIsDue } = json;
  const sound = Number.isFinite(lossAverage) && Array.isArray(window) &&
    window.every(Number.isFinite) && Number.isSafeInteger(metricsBytes) && isBest(best) &&
    Number.isSafeInteger(sinceBest) && isPlateau(plateau) && typeof evaluationIsDue === "boolean";
  return sound ? json as unknown as LoopState : undefined;
}

function isBest(best: unknown): boolean {
  return best === null ||
    isObject(best) && Number.isSafeInteger(best.step) && Number.isFinite(best.precision);
}

function isPlateau(state: unknown): boolean {
  return state === null ||
    isObject(state) && (state.best === null || Number.isFinite(state.best)) &&
      Number.isSafeInteger(state.waited) && Number.isSafeInteger(state.drops);
}
