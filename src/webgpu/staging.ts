/**
 * Reads buffers back through reusable staging buffers.
 *
 * In Deno `mapAsync` waits for the device inside the call and then resolves through a 10 ms timer. On a
 * buffer that was mapped before, the mapped range is valid as soon as the call returns, so it is read at
 * once; a staging buffer is therefore created mapped (an unmapped new one would panic the process).
 * Elsewhere, or if the range is not there yet, the promise is awaited.
 */
export class StagingPool {
  readonly #device: GPUDevice;
  readonly #free = new Map<number, GPUBuffer[]>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Copies `bytes` at `offset` of `source` to the host, after all that was queued before. */
  async read(source: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, 256)));
    const staging = this.#free.get(size)?.pop() ?? this.#create(size);
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, offset, staging, 0, Math.ceil(bytes / 4) * 4);
    this.#device.queue.submit([encoder.finish()]);
    const mapped = staging.mapAsync(GPUMapMode.READ, 0, size);
    let range: ArrayBuffer;
    try {
      if (!("Deno" in globalThis)) await mapped;
      mapped.catch(() => {});
      range = staging.getMappedRange(0, size);
    } catch {
      await mapped;
      range = staging.getMappedRange(0, size);
    }
    const copy = range.slice(0, bytes);
    staging.unmap();
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [staging]);
    else list.push(staging);
    return copy;
  }

  destroy(): void {
    for (const list of this.#free.values()) for (const buffer of list) buffer.destroy();
    this.#free.clear();
  }

  #create(size: number): GPUBuffer {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const buffer = this.#device.createBuffer({
      label: "staging",
      size,
      usage,
      mappedAtCreation: true,
    });
    buffer.unmap();
    return buffer;
  }
}
