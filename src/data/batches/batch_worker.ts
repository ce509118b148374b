// A worker thread that fills batches until the ring is closed. It blocks while the ring is full.

import { UserError } from "../../util/errors.ts";
import { ImageStore } from "../image_store.ts";
import { createFill } from "./batch_fill.ts";
import { CLOSED, COUNTERS, viewRing, type WorkerMessage, type WorkerTask } from "./batch_ring.ts";

globalThis.addEventListener("message", (event) => {
  tell(serve((event as MessageEvent<WorkerTask>).data));
  globalThis.close();
});

function tell(message: WorkerMessage): void {
  (globalThis as unknown as { postMessage(message: WorkerMessage): void }).postMessage(message);
}

/** Fills batches to the end, and says how it ended: a user's mistake keeps its hint, a bug its stack. */
function serve(task: WorkerTask): WorkerMessage {
  try {
    using store = new ImageStore(task.store);
    fillBatches(task, store);
    return { kind: "done" };
  } catch (error) {
    if (error instanceof UserError) {
      return { kind: "error", message: error.message, hint: error.hint };
    }
    return { kind: "error", message: error instanceof Error ? `${error.stack}` : `${error}` };
  }
}

/** Takes the next batch that nobody has taken, waits for its slot, fills it; until closed or done. */
function fillBatches(
  { work, augment, ring: buffer, shape, worker }: WorkerTask,
  store: ImageStore,
) {
  const { slots, batchSize } = shape;
  const ring = viewRing(buffer, shape);
  const fill = createFill(work, { store, augment, batchSize });
  const batches = work.mode === "eval" ? Math.ceil(store.count / batchSize) * work.views : Infinity;
  while (true) {
    const index = Atomics.add(ring.counters, COUNTERS.taken, 1);
    if (index >= batches) return;
    Atomics.store(ring.working, worker, index);
    const slot = index % slots;
    const empty = 2 * Math.floor(index / slots);
    if (!waitForPhase(ring.phases, slot, empty)) return;
    fill(index, ring.slots[slot]);
    // Fails if the ring was closed meanwhile, which must stay so.
    Atomics.compareExchange(ring.phases, slot, empty, empty + 1);
    Atomics.add(ring.counters, COUNTERS.made, 1);
    Atomics.notify(ring.phases, slot);
  }
}

/** Blocks until the slot has the phase; false if the ring was closed. */
function waitForPhase(phases: Int32Array, slot: number, phase: number): boolean {
  while (true) {
    const found = Atomics.load(phases, slot);
    if (found === phase) return true;
    if (found === CLOSED) return false;
    Atomics.wait(phases, slot, found);
  }
}
