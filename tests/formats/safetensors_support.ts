import type { SafeTensor } from "../../src/formats/safetensors.ts";

/** What tests/golden/safetensors.py puts into its file. */
export const MIXED: Record<string, SafeTensor> = {
  u64: { dtype: "U64", shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  i64: { dtype: "I64", shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
  f64: { dtype: "F64", shape: [1, 2], data: Float64Array.of(0.1, -1e300) },
  "conv1/weights": {
    dtype: "F32",
    shape: [2, 3],
    data: Float32Array.of(0, 1, -2.5, 3.25, 1e-30, 16777216),
  },
  nothing: { dtype: "F32", shape: [3, 0], data: new Float32Array(0) },
  scalar: { dtype: "F32", shape: [], data: Float32Array.of(0.5) },
  u32: { dtype: "U32", shape: [1], data: Uint32Array.of(4294967295) },
  i32: { dtype: "I32", shape: [1], data: Int32Array.of(-2147483648) },
  half: { dtype: "F16", shape: [3], data: Uint16Array.of(0x3c00, 0xc000, 0x7bff) },
  u16: { dtype: "U16", shape: [1], data: Uint16Array.of(65535) },
  i16: { dtype: "I16", shape: [1], data: Int16Array.of(-32768) },
  i8: { dtype: "I8", shape: [1], data: Int8Array.of(-128) },
  'bytes \u00fc"': { dtype: "U8", shape: [3], data: Uint8Array.of(0, 127, 255) },
  yes: { dtype: "BOOL", shape: [2], data: Uint8Array.of(1, 0) },
};
export const METADATA = { step: "2000", format: "kiln \u00e9" };

/** A file of a header as it stands and some bytes of data. */
export function fileOf(header: string, dataBytes: number): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

/** A tensor's field in a header, 4 bytes of U8 unless told otherwise. */
export function field(
  name: string,
  begin: number,
  end: number,
  rest = `"dtype":"U8","shape":[4]`,
): string {
  return `"${name}":{${rest},"data_offsets":[${begin},${end}]}`;
}
