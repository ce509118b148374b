/**
 * `deno task gen`: reflects every shader into `kernels.gen.ts`, so that TypeScript checks each launch
 * against its WGSL. `tests/webgpu/kernels_test.ts` fails when the file is out of date.
 */
import { dirname, join } from "node:path";
import { fileURLToPath as fromFileUrl } from "node:url";
import { reflect } from "./reflect.ts";

const SHADERS = fromFileUrl(new URL("../../shaders", import.meta.url));
const TARGET = fromFileUrl(new URL("./kernels.gen.ts", import.meta.url));

/** The text that `kernels.gen.ts` should have. */
export function generateKernels(): string {
  const names = list(SHADERS);
  const libraries = list(join(SHADERS, "lib"));
  const text: string[] = [
    "// Made by `deno task gen` from shaders/*.wgsl. Do not edit.",
    "// deno-fmt-ignore-file",
    ...names.map((n) => `import ${n} from "../../shaders/${n}.wgsl" with { type: "text" };`),
    ...libraries.map((n) =>
      `import lib_${n} from "../../shaders/lib/${n}.wgsl" with { type: "text" };`
    ),
    "",
    "/** Texts that shaders take in by `//! use lib/NAME.wgsl`. */",
    "export const LIBRARIES: Readonly<Record<string, string>> = {",
    ...libraries.map((n) => `  "lib/${n}.wgsl": lib_${n},`),
    "};",
    "",
    "/** Every kernel: its source and its interface. */",
    "export const KERNELS = {",
  ];
  for (const name of names) {
    let source = Deno.readTextFileSync(join(SHADERS, `${name}.wgsl`));
    source = source.replace(
      /^\/\/! use (\S+)\s*$/gm,
      (_, path) => Deno.readTextFileSync(join(SHADERS, path)),
    );
    const fields = JSON.stringify(reflect(name, source)).slice(1);
    text.push(`  ${name}: { "source": ${name}, ${fields},`);
  }
  text.push("} as const;", "");
  return text.join("\n");
}

function list(folder: string): string[] {
  return [...Deno.readDirSync(folder)]
    .filter((entry) => entry.isFile && entry.name.endsWith(".wgsl"))
    .map((entry) => entry.name.slice(0, -".wgsl".length))
    .sort();
}

if (import.meta.main) {
  Deno.writeTextFileSync(TARGET, generateKernels());
  console.log(`wrote ${join(dirname(TARGET), "kernels.gen.ts")}`);
}
