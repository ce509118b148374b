import { DeviceError } from "../util/errors.ts";
import type { Device, DeviceBuffer } from "./device.ts";
import { MemoryLedger } from "./memory.ts";

/** Something is larger than a device can hold or bind; the trainer turns it into the batch size that fits. */
export class CapacityError extends DeviceError {
  constructor(message: string, cause?: unknown) {
    super(message, { hint: "use a smaller batch", cause });
  }
}

/**
 * A stand-in with what is free on a device: it takes allocations and writes, keeps only their sum, and
 * fails as the device would. For asking whether a plan fits without making it.
 */
export function emptyTwin(device: Device): Device {
  const memory = new MemoryLedger(device.maxBytes - device.memory.used);
  const unused = (): never => {
    throw new Error("Cannot compute on a stand-in for a device");
  };
  return {
    description: device.description,
    target: device.target,
    alignment: device.alignment,
    maxBindingBytes: device.maxBindingBytes,
    maxBytes: memory.budget,
    memory,
    allocate(bytes, label): DeviceBuffer {
      if (!memory.fits(bytes)) {
        throw new CapacityError(
          `Cannot allocate ${label}: ${bytes} bytes beside ${memory.used} in use`,
        );
      }
      memory.add(label, bytes);
      return { bytes, label };
    },
    free: ({ bytes, label }) => memory.remove(label, bytes),
    write() {},
    read: unused,
    prepare: unused,
    check() {},
    destroy() {},
  };
}
