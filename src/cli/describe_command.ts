import { formatLayerTable, layerTableJson } from "../report/layer_table.ts";
import { networkSvg } from "../report/network_picture.ts";
import { openPainter } from "../report/picture.ts";
import type { DescribeConfig } from "../train/config.ts";
import { type LayerTable, layerTable } from "../train/layer_table.ts";
import { openModel } from "../train/models.ts";
import { writeFileAtomic } from "../util/atomic_file.ts";
import { checkOutputFile } from "./output_file.ts";

/** Shows the layers of a model, and draws them: `deno task describe`. */
export async function describeCommand(config: DescribeConfig): Promise<void> {
  const { svg: path, format } = config;
  const model = await openModel(config, config.classes);
  await checkOutputFile("svg", path, [".svg", ".png"], "--svg model.svg");
  const table = layerTable(model);
  if (path !== null) await drawNetwork(path, table);
  console.log(format === "json" ? layerTableJson(table) : formatLayerTable(table));
}

async function drawNetwork(path: string, table: LayerTable): Promise<void> {
  const texts = [table.model, ...table.layers.flatMap(({ name, kind }) => [name, kind])];
  const painter = await openPainter(texts, (message) => console.error(message));
  const svg = networkSvg(painter, table);
  await writeFileAtomic(path, path.toLowerCase().endsWith(".png") ? painter.draw(svg) : svg);
}
