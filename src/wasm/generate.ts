/**
 * `deno task gen:wasm`: compiles the AssemblyScript of `assembly/` into `module.gen.ts`.
 * `tests/wasm/module_test.ts` fails when the file is out of date.
 */
import asc from "npm:assemblyscript@0.28.20/asc";
import { fileURLToPath } from "node:url";

const SOURCES = fileURLToPath(new URL("./assembly/", import.meta.url));
const TARGET = fileURLToPath(new URL("./module.gen.ts", import.meta.url));

const OPTIONS = [
  "-O3",
  "--noAssert",
  "--runtime=stub",
  "--importMemory",
  "--sharedMemory",
  // WebAssembly's largest: what a memory may grow to is decided when it is made.
  "--maximumMemory=65536",
  "--enable=simd,relaxed-simd,threads,bulk-memory",
];

/** Compiles the sources. @throws {SyntaxError} with the compiler's messages. */
export async function compileModule(sources = SOURCES): Promise<Uint8Array<ArrayBuffer>> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(["index.ts", ...OPTIONS, "--outFile=module.wasm"], {
    readFile(name) {
      try {
        return Deno.readTextFileSync(sources + name);
      } catch {
        // The compiler probes for files that need not exist.
        return null;
      }
    },
    writeFile(name, contents) {
      if (name === "module.wasm") wasm = new Uint8Array(contents as Uint8Array<ArrayBuffer>);
    },
    listFiles: () => [],
  });
  if (error !== null || wasm === undefined) {
    throw new SyntaxError(`Cannot compile ${sources}: ${stderr}`, { cause: error });
  }
  return wasm;
}

/** The text that `module.gen.ts` should have. */
export async function generateModule(): Promise<string> {
  const wasm = await compileModule();
  const names = WebAssembly.Module.exports(new WebAssembly.Module(wasm))
    .filter(({ kind }) => kind === "function").map(({ name }) => name).sort();
  return [
    "// Made by `deno task gen:wasm` from src/wasm/assembly/*.ts. Do not edit.",
    "// deno-fmt-ignore-file",
    "",
    "/** The kernels that the module exports; a thread calls them by their place in this list. */",
    "export const KERNEL_NAMES = [",
    ...names.map((name) => `  ${JSON.stringify(name)},`),
    "] as const;",
    "",
    "/** The module's bytes in base64. */",
    `export const MODULE_BASE64 = "${wasm.toBase64()}";`,
    "",
  ].join("\n");
}

if (import.meta.main) {
  Deno.writeTextFileSync(TARGET, await generateModule());
  console.log(`wrote ${TARGET}`);
}
