// SIGINT and SIGTERM: the first asks for an orderly end, the second ends the process at once. SIGHUP is
// left alone: listening to it would undo what `nohup` does.

import { UserError } from "../util/errors.ts";

/** The signals with their numbers; a process that they end exits with 128 and the number. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** The name of a signal that ends a run. */
export type InterruptSignal = keyof typeof SIGNALS;

/** Why something was called off. */
export class InterruptedError extends UserError {
  override readonly name = "InterruptedError";
  readonly signal: InterruptSignal;

  constructor(signal: InterruptSignal) {
    super(`interrupted by ${signal}`, { exitCode: exitCodeOf(signal) });
    this.signal = signal;
  }
}

/** 130 for SIGINT, 143 for SIGTERM. */
export function exitCodeOf(signal: InterruptSignal): number {
  return 128 + SIGNALS[signal];
}

/** Listens until it is disposed of. */
export interface Interrupts extends Disposable {
  /** Aborts at the first signal, with an {@linkcode InterruptedError}. */
  readonly signal: AbortSignal;
  /** From now on the first signal is left to whoever watches `signal`; before, it ends the process. */
  arm(): void;
}

/**
 * Listens for signals. Until `arm` is called there is nothing to save, and the first one ends the
 * process; the second one always does. Files are whole at any moment, so that this harms nothing.
 *
 * @param onFirst hears of the first signal once armed
 */
export function listenForInterrupts(onFirst: (signal: InterruptSignal) => void): Interrupts {
  const controller = new AbortController();
  let isArmed = false;
  const listeners = (Object.keys(SIGNALS) as InterruptSignal[]).filter(isSupported).map((name) => {
    const listener = () => {
      if (!isArmed || controller.signal.aborted) Deno.exit(exitCodeOf(name));
      controller.abort(new InterruptedError(name));
      onFirst(name);
    };
    Deno.addSignalListener(name, listener);
    return { name, listener };
  });
  return {
    signal: controller.signal,
    arm: () => isArmed = true,
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) Deno.removeSignalListener(name, listener);
    },
  };
}

/** Windows knows SIGINT alone of these. */
function isSupported(name: InterruptSignal): boolean {
  return Deno.build.os !== "windows" || name === "SIGINT";
}
