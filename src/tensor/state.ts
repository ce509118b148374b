import type { Device, DeviceBuffer } from "../engine/device.ts";
import type { HostArray, Tensor } from "./tensor.ts";
import { bytesOf, initialOf } from "./tensor.ts";

/** The variables that live on a device, shared by all plans made with this state. */
export class VariableState {
  readonly device: Device;
  readonly #buffers = new Map<Tensor, DeviceBuffer>();

  constructor(device: Device) {
    this.device = device;
  }

  /** The variable's buffer; allocated and filled with the initial values at the first call. */
  buffer(variable: Tensor): DeviceBuffer {
    const { source } = variable;
    if (source?.kind !== "variable") {
      throw new TypeError(`Cannot keep ${variable.name} as it is not a variable`);
    }
    let buffer = this.#buffers.get(variable);
    if (buffer === undefined) {
      buffer = this.device.allocate(bytesOf(variable), `variable ${variable.name}`);
      this.#buffers.set(variable, buffer);
      this.write(variable, initialOf(source));
    }
    return buffer;
  }

  /** Replaces all values. */
  write(variable: Tensor, values: HostArray): void {
    const bytes = bytesOf(variable);
    if (values.byteLength !== bytes) {
      throw new RangeError(
        `Cannot write ${variable.name} as it has ${bytes / 4} values: given ${values.length}`,
      );
    }
    this.device.write({ buffer: this.buffer(variable), offset: 0, bytes }, values);
  }

  /** A copy of the current values. */
  async read(variable: Tensor): Promise<HostArray> {
    const bytes = bytesOf(variable);
    const copy = await this.device.read({ buffer: this.buffer(variable), offset: 0, bytes });
    return variable.dtype === "u32" ? new Uint32Array(copy) : new Float32Array(copy);
  }

  /** Frees all variables. */
  destroy(): void {
    for (const buffer of this.#buffers.values()) this.device.free(buffer);
    this.#buffers.clear();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}
