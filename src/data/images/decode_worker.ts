// A worker thread that decodes image files, one at a time.

import { parentPort } from "node:worker_threads";
import { DataError, UserError } from "../../util/errors.ts";
import { type ImageSize, loadImage } from "./load_image.ts";

/** One file to decode. */
export interface DecodeTask {
  readonly path: string;
  readonly size: ImageSize;
}

/** What became of it: planes of 8 bits, a damaged file, a file that the system refuses, or a bug. */
export type DecodeReply =
  | { readonly kind: "pixels"; readonly pixels: Uint8Array<ArrayBuffer> }
  | { readonly kind: "damaged" | "refused"; readonly message: string; readonly hint: string }
  | { readonly kind: "error"; readonly message: string; readonly stack: string };

parentPort?.on("message", async (task: DecodeTask) => {
  const reply = await answer(task);
  const transfer = reply.kind === "pixels" ? [reply.pixels.buffer] : [];
  parentPort!.postMessage(reply, transfer);
});

async function answer({ path, size }: DecodeTask): Promise<DecodeReply> {
  try {
    return { kind: "pixels", pixels: await loadImage(path, size) };
  } catch (error) {
    if (error instanceof UserError) {
      const kind = error instanceof DataError ? "damaged" : "refused";
      return { kind, message: error.message, hint: error.hint };
    }
    const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
    return { kind: "error", message, stack };
  }
}
