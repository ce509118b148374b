// A worker thread that fills batches until the ring is closed. It blocks while the ring is full.

import { createFill } from "./batch_fill.ts";
import { CLOSED, viewRing, type WorkerTask } from "./batch_ring.ts";
import { Records } from "../records.ts";

globalThis.addEventListener("message", (event) => {
  serve((event as MessageEvent<WorkerTask>).data);
  globalThis.close();
});

/** Takes the next batch that nobody has taken, waits for its slot, fills it; until closed or done. */
function serve(task: WorkerTask): void {
  const ring = viewRing(task.ring, task.slots, task.batchSize);
  const fill = createFill(task.mode, new Records(task.records), task.seed);
  while (true) {
    const index = Atomics.add(ring.taken, 0, 1);
    if (index >= task.batches) return;
    const slot = index % task.slots;
    const empty = 2 * Math.floor(index / task.slots);
    if (!waitForPhase(ring.phases, slot, empty)) return;
    fill(task.firstBatch + index, ring.slots[slot]);
    // Fails if the ring was closed meanwhile, which must stay so.
    Atomics.compareExchange(ring.phases, slot, empty, empty + 1);
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
