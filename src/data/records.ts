// Fixed-length records of a label and an image, as in the CIFAR binary files.

/** Height and width of an image, pixels. */
export const IMAGE_SIZE = 32;
/** Color channels of an image: red, green, blue. */
export const CHANNELS = 3;
/** Bytes of one color plane. */
export const PLANE_BYTES = IMAGE_SIZE * IMAGE_SIZE;
/** Bytes of one image: three planes, red, green, blue, each row-major. */
export const PIXEL_BYTES = CHANNELS * PLANE_BYTES;
/** Bytes of one record: one label byte, then the image. */
export const RECORD_BYTES = 1 + PIXEL_BYTES;

/** Records side by side in shared memory, so that worker threads read them without a copy. */
export class Records {
  /** The records themselves, `count` times 3,073 bytes. */
  readonly buffer: SharedArrayBuffer;
  /** How many records there are. */
  readonly count: number;
  readonly #bytes: Uint8Array;

  /** @throws {RangeError} if the buffer's length is not a multiple of 3,073 bytes */
  constructor(buffer: SharedArrayBuffer) {
    if (buffer.byteLength % RECORD_BYTES !== 0) {
      throw new RangeError(
        `Cannot read records as their length must be a multiple of ${RECORD_BYTES}: current value is ${buffer.byteLength}`,
      );
    }
    this.buffer = buffer;
    this.count = buffer.byteLength / RECORD_BYTES;
    this.#bytes = new Uint8Array(buffer);
  }

  /** The label of record `index`. */
  label(index: number): number {
    return this.#bytes[index * RECORD_BYTES];
  }

  /** The pixels of record `index`, planar [C=3, H=32, W=32], as a view (no copy). */
  pixels(index: number): Uint8Array {
    const start = index * RECORD_BYTES + 1;
    return this.#bytes.subarray(start, start + PIXEL_BYTES);
  }

  /**
   * The image of record `index` as floats 0 to 255 in the order [H=32, W=32, C=3].
   *
   * @param out receives 3,072 values
   */
  image(index: number, out: Float32Array = new Float32Array(PIXEL_BYTES)): Float32Array {
    const start = index * RECORD_BYTES + 1;
    for (let pixel = 0, target = 0; pixel < PLANE_BYTES; pixel++) {
      for (let channel = 0; channel < CHANNELS; channel++) {
        out[target++] = this.#bytes[start + channel * PLANE_BYTES + pixel];
      }
    }
    return out;
  }
}
