import { createHash } from "node:crypto";
import type { ImageStore } from "./image_store.ts";

/** Images whose pixels are part of a fingerprint, spread evenly. */
const SAMPLED = 256;

/**
 * sha256 of a store's format, its labels and the pixels of some of its images: tells whether a run goes
 * on with the images that it began with, without reading them all.
 *
 * @throws {UserError} if an image cannot be read
 */
export function fingerprint(store: ImageStore): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([store.count, store.format]));
  hash.update(Uint16Array.from(store.labels));
  const sampled = Math.min(SAMPLED, store.count);
  for (let i = 0; i < sampled; i++) {
    hash.update(Uint8Array.from(store.pixels(Math.floor(i * store.count / sampled))));
  }
  return hash.digest("hex");
}
