import { Worker } from "node:worker_threads";
import { DeviceError } from "../util/errors.ts";
import { WORD } from "./control.ts";
import { CrewMember } from "./crew.ts";
import { MODULE_BASE64 } from "./module.gen.ts";

/** The threads that run programs: the main one and its workers. */
export interface Threads {
  readonly main: CrewMember;
  readonly workers: readonly Worker[];
}

/** Starts the workers; resolves when all are ready. @throws {DeviceError} if one cannot start. */
export async function startThreads(memory: WebAssembly.Memory, threads: number): Promise<Threads> {
  const module = await WebAssembly.compile(Uint8Array.fromBase64(MODULE_BASE64));
  const task = { module, memory, threads };
  const main = new CrewMember({ ...task, thread: 0 });
  const words = new Int32Array(memory.buffer);
  Atomics.store(words, WORD.alive, threads - 1);
  const workers = Array.from(
    { length: threads - 1 },
    (_, i) =>
      new Worker(new URL("./worker.ts", import.meta.url), {
        workerData: { ...task, thread: i + 1 },
      }),
  );
  try {
    await Promise.all(workers.map(ready));
  } catch (error) {
    for (const worker of workers) worker.terminate();
    throw new DeviceError(`Cannot start ${threads - 1} worker threads: ${error}`, { cause: error });
  }
  // A worker blocks for ever; it must not keep the process.
  for (const worker of workers) worker.unref();
  return { main, workers };
}

function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`a worker ended with ${code}`)));
  });
}
