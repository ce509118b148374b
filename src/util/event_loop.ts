import { setImmediate } from "node:timers";

/** Lets the event loop turn once, in some 3 us: errors, signals and timers arrive as events. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
