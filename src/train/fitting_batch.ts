import { CapacityError } from "../engine/capacity.ts";
import { DeviceError } from "../util/errors.ts";

/**
 * Adds the largest batch size that would fit to the error of one that does not.
 *
 * @param fits whether a batch of so many images fits
 */
export function withFittingBatch(
  error: unknown,
  batchSize: number,
  fits: (batch: number) => boolean,
): unknown {
  if (!(error instanceof CapacityError)) return error;
  let low = 0;
  // Tensors grow with the batch: below the largest that fits, all fit.
  for (let high = batchSize; high - low > 1;) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return new DeviceError(error.message, {
    hint: low >= 1 ? `--batch-size ${low} fits` : "not even a batch of 1 fits this device",
    cause: error,
  });
}
