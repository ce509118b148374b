import { formatCount, formatEta } from "../util/units.ts";

/** Where a run stands. */
export interface Progress {
  /** Steps done. */
  readonly step: number;
  readonly totalSteps: number;
  readonly loss: number;
  readonly learningRate: number;
  /** Images a second. */
  readonly imagesPerSec: number;
  /** Seconds to go; infinite or NaN while unknown. */
  readonly secondsLeft: number;
}

const BAR_MIN = 10;
const BAR_MAX = 40;

/**
 * One line without its end, at most `columns - 1` wide, so that no terminal breaks it:
 * `step 615/2,000 [======>             ]  30.8 %  loss 3.02  lr 0.1  104 images/s  ETA 3:42`.
 * On narrow terminals the bar goes first, then what stands on the right.
 */
export function progressLine(progress: Progress, columns: number, color: boolean): string {
  const share = Math.min(1, Math.max(0, progress.step / progress.totalSteps));
  const total = formatCount(progress.totalSteps);
  const left = `step ${formatCount(progress.step).padStart(total.length)}/${total}`;
  const right = [
    `${(Math.floor(share * 1000) / 10).toFixed(1).padStart(5)} %`,
    `loss ${progress.loss.toFixed(2)}`,
    `lr ${formatRate(progress.learningRate)}`,
    `${progress.imagesPerSec.toFixed(progress.imagesPerSec < 10 ? 1 : 0)} images/s`,
    `ETA ${formatEta(progress.secondsLeft)}`,
  ].join("  ");

  const room = columns - 1 - left.length - right.length - " [] ".length;
  if (room < BAR_MIN) return `${left} ${right}`.slice(0, Math.max(0, columns - 1)).trimEnd();
  const bar = drawBar(share, Math.min(room, BAR_MAX));
  return `${left} [${color ? `\x1b[32m${bar}\x1b[39m` : bar}] ${right}`;
}

function drawBar(share: number, width: number): string {
  const done = Math.floor(share * width);
  const head = done < width ? ">" : "";
  return ("=".repeat(done) + head).padEnd(width);
}

/** A learning rate in few letters: `0.1`, `0.01`, `1e-5`. */
function formatRate(rate: number): string {
  return String(Number(rate.toPrecision(3)));
}
