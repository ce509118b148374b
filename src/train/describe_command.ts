// The command that shows what a model is made of: `describe`.

import type { CommandHelp } from "./help.ts";

/** `deno task describe`. */
export const DESCRIBE_COMMAND = {
  about: "Show the layers of a model: shapes, parameters, multiply-adds, bytes, and a picture.",
  usage: "deno task describe",
  example: {
    line: "deno task describe --model resnet-164 --bottleneck --svg resnet.svg",
    about: "the table of its layers, and its picture with the repeated units drawn once",
  },
  flags: {
    model: {
      kind: "string",
      default: "reference",
      placeholder: "name",
      group: "Model",
      about: "what is shown, by name or file as train takes it",
    },
    bottleneck: {
      kind: "boolean",
      default: false,
      group: "Model",
      about: "make resnet-N of bottleneck units (9n + 2 layers)",
    },
    classes: {
      kind: "integer",
      default: 10,
      min: 1,
      max: 1_000_000,
      group: "Model",
      about: "classes that it tells apart",
    },
    format: {
      kind: "choice",
      choices: ["table", "json"],
      default: "table",
      group: "Output",
      about: "how the layers are printed",
    },
    svg: {
      kind: "string",
      default: { text: "none", of: () => null },
      placeholder: "file.svg",
      group: "Output",
      about: "where a picture of the network is written; as PNG if the file ends in .png",
    },
  },
} as const satisfies CommandHelp;
