/**
 * Threads for the wasm backend of TensorFlow.js under Deno. The backend takes Deno for Node and
 * gives Node's `Worker` a blob URL, which Node's refuses; this puts Deno's own `Worker` in its
 * place, with the same worker script and module of the package.
 */

import os from "node:os";

const PACKAGE = "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
const FILES = new URL(
  "../wasm-out/tfjs-backend-wasm-threaded-simd",
  import.meta.resolve(PACKAGE),
);

/** Call before the backend is made. */
export async function shimWorker(): Promise<void> {
  const { default: { wasmWorkerContents } } = await import(
    `${FILES}.worker.js`
  );
  const factory = await Deno.readTextFile(new URL(`${FILES}.js`));
  const script = "globalThis.process = undefined;\n" +
    "globalThis.importScripts = (source) => (0, eval)(source);\n" +
    wasmWorkerContents.replaceAll("\n", "\\n"); // its strings' escapes are gone, as in the backend
  const url = URL.createObjectURL(
    new Blob([script], { type: "text/javascript" }),
  );

  class PackageWorker extends Worker {
    constructor(_: string) {
      super(url, { type: "module" });
    }
    override postMessage(message: { cmd?: string; urlOrBlob?: unknown }) {
      super.postMessage(
        message.cmd === "load" ? { ...message, urlOrBlob: factory } : message,
      );
    }
    on() {} // Node's events; `onmessage` and `onerror` are set as well
    unref() {}
    ref() {}
  }
  // The backend's "Worker = require('worker_threads').Worker" must not undo it.
  Object.defineProperty(globalThis, "Worker", {
    get: () => PackageWorker,
    set: () => {},
  });

  // The backend starts at most half as many threads as there are cores; kiln and PyTorch use all.
  os.cpus = () => new Array(2 * navigator.hardwareConcurrency);
}
