import { envFlag } from "./env.ts";

/** Prints to the error stream if KILN_DEBUG is at least `level`; `text` is made only then. */
export function debug(level: 1 | 2 | 3 | 4, text: () => string): void {
  if (envFlag("KILN_DEBUG") >= level) console.error(text());
}
