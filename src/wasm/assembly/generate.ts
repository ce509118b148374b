/**
 * `deno task gen:wasm`: compiles the AssemblyScript of this folder into `../module.gen.ts`; with `--check` it
 * only compares, as `tests/wasm/module_test.ts` does. The compiler is large, so this folder has a configuration
 * and a lock of its own: who trains does not fetch it.
 */
import asc from "npm:assemblyscript@0.28.20/asc";
import { fileURLToPath } from "node:url";

const SOURCES = fileURLToPath(new URL(".", import.meta.url));
const TARGET = fileURLToPath(new URL("../module.gen.ts", import.meta.url));

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
  const text = await generateModule();
  if (Deno.args.includes("--check")) {
    if (Deno.readTextFileSync(TARGET) !== text) {
      console.error(`error: ${TARGET} is out of date\nhint: deno task gen:wasm`);
      Deno.exit(1);
    }
  } else {
    Deno.writeTextFileSync(TARGET, text);
    console.log(`wrote ${TARGET}`);
  }
}
