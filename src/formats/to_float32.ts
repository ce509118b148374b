import type { SafeTensor } from "./safetensors.ts";

/**
 * The values of a tensor of floating-point numbers as float32: F16 and BF16 exactly, F64 rounded to
 * nearest. Undefined for any other element type.
 */
export function toFloat32({ dtype, data }: SafeTensor): Float32Array<ArrayBuffer> | undefined {
  switch (dtype) {
    case "F32":
    case "F64":
      return Float32Array.from(data);
    case "F16":
      return Float32Array.from(new Float16Array(Uint16Array.from(data).buffer));
    case "BF16":
      // The upper half of a float32.
      return new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer);
    default:
      return undefined;
  }
}
