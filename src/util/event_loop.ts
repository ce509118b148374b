import { setImmediate } from "node:timers";

/**
 * Signals are handed over in some turns only, but always while a timer runs out, which takes one or two
 * milliseconds: so long without one is not felt, and costs at most a hundredth.
 */
const TIMER_MS = 200;
let timerAt = 0;

/** Lets the event loop turn once, in some 3 us: errors of the device arrive as events. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets the event loop turn between two pieces of work, so that signals are heard however long these are. */
export function eventLoopPause(): Promise<void> {
  const now = performance.now();
  if (now - timerAt < TIMER_MS) return eventLoopTurn();
  timerAt = now;
  return new Promise((resolve) => setTimeout(resolve, 0));
}
