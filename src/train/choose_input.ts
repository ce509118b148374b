import { imageBytes, type ImageStore } from "../data/image_store.ts";
import type { Device } from "../engine/device.ts";
import { DeviceError } from "../util/errors.ts";
import { formatBytes } from "../util/units.ts";

/** Who makes the images of a batch, and why; the reason is part of a sentence. */
export interface InputChoice {
  readonly input: "host" | "device";
  readonly reason: string;
}

/** A data set of more bytes is left to the host: a GPU does not tell how much memory it has. */
const MOST_BYTES = 2 ** 30;

/**
 * Chooses who makes the images of a batch. `auto` takes the device where it is a GPU and the data set
 * fits; a software adapter and the CPU engine compute on the cores that the worker threads use anyway.
 *
 * @throws {DeviceError} if the device is asked for and the data set does not fit
 */
export function chooseInput(
  choice: "auto" | "host" | "device",
  device: Device,
  store: ImageStore,
): InputChoice {
  if (choice === "host") return { input: "host", reason: "worker threads, as asked for" };
  // Each image starts on a word.
  const bytes = store.count * Math.ceil(imageBytes(store.format) / 4) * 4;
  const free = device.maxBytes - device.memory.used;
  if (choice === "device") {
    if (bytes > free) {
      throw new DeviceError(
        `Cannot keep the data set on the device as it takes ${formatBytes(bytes)}: ${
          formatBytes(free)
        } are free`,
        { hint: "leave it to worker threads: --input host" },
      );
    }
    return { input: "device", reason: `the device, ${formatBytes(bytes)}, as asked for` };
  }
  if (!isGpu(device)) {
    return { input: "host", reason: "worker threads: the device computes on the same cores" };
  }
  const most = Math.min(free, MOST_BYTES);
  return bytes > most
    ? {
      input: "host",
      reason: `worker threads: ${formatBytes(bytes)} are more than ${formatBytes(most)}`,
    }
    : { input: "device", reason: `the GPU: the data set's ${formatBytes(bytes)} fit` };
}

function isGpu({ target }: Device): boolean {
  return target.engine === "webgpu" && target.kind === "gpu";
}
