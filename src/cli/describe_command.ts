import { createModel, type Model } from "../nn/model.ts";
import { formatLayerTable, layerTableJson } from "../report/layer_table.ts";
import { networkSvg } from "../report/network_picture.ts";
import { openPainter } from "../report/picture.ts";
import type { DescribeConfig } from "../train/config.ts";
import { type LayerTable, layerTable } from "../train/layer_table.ts";
import { loadModel } from "../train/models.ts";
import { writeFileAtomic } from "../util/atomic_file.ts";
import { DataError, UserError } from "../util/errors.ts";
import { checkOutputFile } from "./output_file.ts";

/** Shows the layers of a model, and draws them: `deno task describe`. */
export async function describeCommand(config: DescribeConfig): Promise<void> {
  const { svg: path, format } = config;
  const definition = await loadModel(config);
  await checkOutputFile("svg", path, [".svg", ".png"], "--svg model.svg");
  const table = describeModel(config, () => createModel(definition, config.classes));
  if (path !== null) await drawNetwork(path, table);
  console.log(format === "json" ? layerTableJson(table) : formatLayerTable(table));
}

/** @throws {DataError} if the model's own code fails, as that of a user's file may */
function describeModel({ model: name }: DescribeConfig, create: () => Model): LayerTable {
  try {
    return layerTable(create());
  } catch (error) {
    if (!(error instanceof Error) || error instanceof UserError) throw error;
    throw new DataError(`Cannot build the model ${name}: ${error.message.split("\n")[0]}`, {
      hint: "correct its build(net, images); each error names the layer's shapes",
      cause: error,
    });
  }
}

async function drawNetwork(path: string, table: LayerTable): Promise<void> {
  const texts = [table.model, ...table.layers.flatMap(({ name, kind }) => [name, kind])];
  const painter = await openPainter(texts, (message) => console.error(message));
  const svg = networkSvg(painter, table);
  await writeFileAtomic(path, path.toLowerCase().endsWith(".png") ? painter.draw(svg) : svg);
}
