// The running moments of batch normalizations as tensors of a file: `bn1/moving_mean`, `bn1/moving_variance`.

import type { SafeTensor } from "../../formats/safetensors.ts";
import type { StatisticsLayout } from "../../nn/statistics.ts";

const PARTS = ["moving_mean", "moving_variance"] as const;

/** The tensors [C] of a block. */
export function momentsTensors(
  { specs, offsets }: StatisticsLayout,
  block: Float32Array<ArrayBuffer> | undefined,
  prefix = "",
): Record<string, SafeTensor<ArrayBuffer>> {
  if (block === undefined) return {};
  return Object.fromEntries(specs.flatMap(({ name, channels }, i) =>
    PARTS.map((part, row) => {
      const start = offsets[i] + row * channels;
      const data = block.subarray(start, start + channels);
      return [`${prefix}${name}/${part}`, { dtype: "F32", shape: [channels], data }] as const;
    })
  ));
}

/** Where in a block each of those tensors goes. */
export function momentsPlaces(
  { specs, offsets }: StatisticsLayout,
): { readonly name: string; readonly shape: readonly number[]; readonly offset: number }[] {
  return specs.flatMap(({ name, channels }, i) =>
    PARTS.map((part, row) => ({
      name: `${name}/${part}`,
      shape: [channels],
      offset: offsets[i] + row * channels,
    }))
  );
}
