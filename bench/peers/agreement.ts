/** Whether programs that train the same net on the same batch computed the same. */
import { median } from "../measure.ts";
import type { PeerResult } from "./common.ts";

/**
 * How far a loss may be from the others', as a share: what sums in another order, and ops that are
 * approximated (powers on WebAssembly), come to in some steps.
 */
export const TOLERANCE = 1e-3;

/** What of a result is compared. */
export type Measured = Pick<PeerResult, "peer" | "losses">;

/**
 * A line for each result whose loss is farther than `tolerance` from the median of all, at the first step
 * where it is. Results may have different numbers of steps; of two that differ one is named, with both losses.
 */
export function disagreements(
  results: readonly Measured[],
  tolerance: number = TOLERANCE,
): string[] {
  return results.flatMap(({ peer, losses }) => {
    for (const [step, loss] of losses.entries()) {
      const usual = median(results.map(({ losses }) => losses[step]).filter(Number.isFinite));
      if (Math.abs(loss - usual) <= tolerance * Math.abs(usual)) continue;
      return [
        `${peer}: its loss before step ${step + 1} is ${loss}, the programs' median is ${usual}`,
      ];
    }
    return [];
  });
}
