/** A scalar type that a kernel's parameters may have. */
export type ScalarType = "u32" | "i32" | "f32" | "bool";

/**
 * Scalars in declared order, 4 bytes each, little-endian.
 *
 * @throws {RangeError} naming the kernel and the parameter, if a value does not have its type.
 */
export function packParams(
  kernel: string,
  types: Readonly<Record<string, ScalarType>>,
  values: Readonly<Record<string, number | boolean>>,
): Uint8Array<ArrayBuffer> {
  const names = Object.keys(types);
  const bytes = new Uint8Array(names.length * 4);
  const view = new DataView(bytes.buffer);
  names.forEach((name, i) => {
    const value = values[name];
    checkScalar(`${kernel} param ${name}`, types[name], value);
    if (types[name] === "f32") view.setFloat32(i * 4, value as number, true);
    else view.setInt32(i * 4, (value as number) | 0, true);
  });
  return bytes;
}

/** Checks that a value is a number and, for an integer type, a whole one in range. */
export function checkScalar(what: string, type: ScalarType, value: number | boolean): void {
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new RangeError(`Cannot set ${what} as it must be a number: current value is ${value}`);
  }
  if (type === "f32") return;
  const low = type === "i32" ? -(2 ** 31) : 0;
  if (!Number.isInteger(value) || value < low || value >= low + 2 ** 32) {
    throw new RangeError(`Cannot set ${what} as it must be a ${type}: current value is ${value}`);
  }
}
