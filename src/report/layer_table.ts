// A model's layers as text and as JSON.

import type { LayerRow, LayerTable } from "../train/layer_table.ts";
import { formatTable } from "../util/table.ts";
import { formatBytes, formatCount, formatShort } from "../util/units.ts";

/** The shape of one image's value: `24x24x64`; `-` where there is none. */
export function shapeText(shape: readonly number[] | null, times = "x"): string {
  return shape === null ? "-" : shape.length === 0 ? "1" : shape.join(times);
}

/** A line a layer, a line of sums, and the sums in words. */
export function formatLayerTable({ model, image, classes, layers, totals }: LayerTable): string {
  const numbers = (row: Pick<LayerRow, "parameters" | "multiplyAdds" | "bytes">) =>
    [row.parameters, row.multiplyAdds, row.bytes].map(formatCount);
  const rows = layers.map((row) => [row.name, row.kind, shapeText(row.shape), ...numbers(row)]);
  const sums = numbers({ ...totals, bytes: totals.activationBytes });
  const table = formatTable([...rows, ["total", "", "", ...sums]], {
    columns: ["layer", "kind", "output", "parameters", "multiply-adds", "bytes"],
    align: "lllrrr",
  });
  const words = [
    [
      "parameters",
      formatCount(totals.parameters),
      `${formatBytes(totals.parameterBytes)} in float32`,
    ],
    ["multiply-adds", formatShort(totals.multiplyAdds), "an image, forward"],
    [
      "activations",
      formatBytes(totals.activationBytes),
      "an image: the outputs of all layers in float32",
    ],
    ...totals.statistics === 0 ? [] : [[
      "running moments",
      formatCount(totals.statistics),
      "of batch normalizations, not trained",
    ]],
  ];
  const counted = `${formatCount(classes)} ${classes === 1 ? "class" : "classes"}`;
  return [
    `${model}: images of ${shapeText(image)}, ${counted}`,
    table,
    formatTable(words, { align: "lrl" }),
  ].join("\n\n");
}

/** The whole table as one JSON object, numbers as they are. */
export function layerTableJson(table: LayerTable): string {
  return JSON.stringify(table);
}
