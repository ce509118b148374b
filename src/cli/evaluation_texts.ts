// What `eval` prints of a checkpoint, beside the report.

import { evaluationJson } from "../report/evaluation_json.ts";
import type { Measured } from "../report/evaluation_report.ts";
import { precisionLine, wallClock } from "../report/log_line.ts";
import { formatCount } from "../util/units.ts";
import { type Measuring, WEIGHTS } from "./measuring.ts";

/** Which checkpoint was measured on what. */
export interface Told {
  readonly path: string;
  readonly step: number;
  readonly measuring: Measuring;
}

/** What is shown meanwhile. */
export function evaluatingText(done: number, images: number): string {
  return `evaluating ${formatCount(done)}/${formatCount(images)} images`;
}

/** Checkpoint, the reference's line and the count of each of the weights. */
export function linesOf(measured: readonly Measured[], { path, step, measuring }: Told): string {
  return measured.flatMap(({ weights, evaluation: { precision, correct, images } }) => [
    `${path}, step ${step}, ${weights.name}`,
    precisionLine(wallClock(), precision),
    `${formatCount(correct)} of ${formatCount(images)} ${measuring.set} images`,
  ]).join("\n");
}

/** Everything as one line of JSON; of two weights the second's is inside, as `withoutEma`. */
export function jsonText(
  [first, second]: readonly Measured[],
  { path, step, measuring: { set, classes } }: Told,
): string {
  return JSON.stringify({
    checkpoint: path,
    step,
    ema: first.weights === WEIGHTS.ema,
    split: set,
    ...evaluationJson(first.evaluation, classes),
    ...second && { withoutEma: evaluationJson(second.evaluation, classes) },
  });
}
