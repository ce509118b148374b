// Flags that several commands have.

import type { Flag } from "./flags.ts";

/** Images a batch. */
export const BATCH_SIZE = {
  kind: "integer",
  default: 128,
  min: 1,
  max: 65536,
  group: "Run",
  about: "images a batch",
} as const satisfies Flag;

/** The engine. */
export const DEVICE = {
  kind: "choice",
  choices: ["auto", "gpu", "software", "cpu"],
  default: "auto",
  group: "Machine",
  about:
    "where to compute: WebGPU on a GPU or a software adapter, or the CPU engine; auto takes a GPU " +
    "where there is one, else the CPU engine",
} as const satisfies Flag;

/** Threads of the CPU engine. */
export const THREADS = {
  kind: "integer",
  default: { text: "cores", of: () => navigator.hardwareConcurrency },
  min: 1,
  max: 256,
  group: "Machine",
  about: "threads of the CPU engine; the result does not depend on their number",
} as const satisfies Flag;

/** JSON instead of text. */
export const JSON_OUTPUT = {
  kind: "boolean",
  default: false,
  group: "Output",
  about: "print one JSON object and nothing else",
} as const satisfies Flag;
