import { eventLoopTurn } from "../../../src/util/event_loop.ts";

/** Whether a promise is still unsettled once everything that can happen has happened. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => settled = true;
  promise.then(settle, settle);
  await eventLoopTurn();
  return !settled;
}

/** Notes the name of each promise when it settles. */
export function notes(): {
  readonly log: string[];
  note(name: string, call: Promise<unknown>): void;
} {
  const log: string[] = [];
  return {
    log,
    note: (name, call) => {
      call.then(() => log.push(name), (error) => log.push(`${name}: ${error.name}`));
    },
  };
}

/** A thread that ends when it is told to. */
export function thread(name: string) {
  const { promise: done, resolve: end, reject: fail } = Promise.withResolvers<void>();
  return { name, done, end, fail };
}
