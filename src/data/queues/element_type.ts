// What the elements of a queue are made of, and how they are stacked to a batch.

import { InvalidArgumentError } from "./errors.ts";

type NumberType = Exclude<ComponentType, "string">;

const ARRAYS = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;

/** One cell of each type, to see what storing a number there makes of it. */
const CELLS = {
  u8: new Uint8Array(1),
  i8: new Int8Array(1),
  u16: new Uint16Array(1),
  i16: new Int16Array(1),
  u32: new Uint32Array(1),
  i32: new Int32Array(1),
} as const;

interface Arrays {
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
  readonly i16: Int16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly string: readonly string[];
}

/** The type of a component's values. */
export type ComponentType = keyof Arrays;

/** One component of an element. */
export interface Component {
  readonly dtype: ComponentType;
  /** `[]` is a single value; left out, values of any number pass, and nothing can be stacked. */
  readonly shape?: readonly number[];
}

/** The components of an element, by name. */
export type Components = Readonly<Record<string, Component>>;

type Scalar<C extends Component> = C["dtype"] extends "string" ? string : number;
type Vector<C extends Component> = Arrays[C["dtype"]];
type Value<C extends Component> = C extends { readonly shape: infer S extends readonly number[] }
  ? S extends readonly [] ? Scalar<C>
  : number extends S["length"] ? Scalar<C> | Vector<C>
  : Vector<C>
  : Scalar<C> | Vector<C>;

/** An element with these components: flat, row-major arrays, and bare values for shape `[]`. */
export type ElementOf<C extends Components> = { readonly [K in keyof C]: Value<C[K]> };

/** Elements stacked: an array a component, [N, ...shape]; none if a shape is left out. */
export type BatchOf<C extends Components> = C extends
  Readonly<Record<string, { readonly shape: readonly number[] }>>
  ? { readonly [K in keyof C]: Vector<C[K]> }
  : never;

/** Checks elements, and stacks them to batches and back. Faults are sentences for an error. */
export interface ElementType<E, B> {
  /** Why this is no element; undefined if it is one. */
  fault(element: E): string | undefined;
  /** Why elements cannot be stacked; undefined if they can. */
  readonly stackFault: string | undefined;
  stack(elements: readonly E[]): B;
  /** @throws {InvalidArgumentError} if this is no batch */
  unstack(batch: B): readonly E[];
}

/** Elements that are any JavaScript value but undefined: a batch of them is an array. */
export function anyValue<E>(): ElementType<E, E[]> {
  return {
    fault: (element) => element === undefined ? "expected a value, found undefined" : undefined,
    stackFault: undefined,
    stack: (elements) => [...elements],
    unstack: (batch) => batch,
  };
}

/**
 * Elements that are tuples of named components with fixed types and shapes.
 *
 * ```ts
 * import { tuple } from "./element_type.ts";
 * import { FIFOQueue } from "./fifo_queue.ts";
 *
 * const components = tuple({ image: { dtype: "u8", shape: [2, 2] }, label: { dtype: "i32", shape: [] } });
 * const queue = new FIFOQueue({ name: "examples", capacity: 8, components });
 * await queue.enqueue({ image: Uint8Array.of(1, 2, 3, 4), label: 7 });
 * const { image, label } = await queue.dequeueMany(1); // Uint8Array of [1, 2, 2], Int32Array of [1]
 * ```
 *
 * @throws {InvalidArgumentError} if there is no component, or a type or shape is none
 */
export function tuple<const C extends Components>(
  components: C,
): ElementType<ElementOf<C>, BatchOf<C>> {
  return new TupleType<ElementOf<C>, BatchOf<C>>(components);
}

type Tuple = Readonly<Record<string, unknown>>;

/** Inside, elements and batches are records of unknown values: what they are is checked, not typed. */
class TupleType<E, B> implements ElementType<E, B> {
  readonly #names: readonly string[];
  readonly #components: Components;
  readonly stackFault: string | undefined;

  constructor(components: Components) {
    this.#components = components;
    this.#names = Object.keys(components);
    if (this.#names.length === 0) {
      throw new InvalidArgumentError("Cannot declare an element as it has no components");
    }
    for (const name of this.#names) checkComponent(name, components[name]);
    const open = this.#names.find((name) => components[name].shape === undefined);
    if (open !== undefined) this.stackFault = `component "${open}" has no declared shape`;
  }

  fault(element: E): string | undefined {
    return this.#tupleFault(element) ?? this.#firstFault(element as Tuple, undefined);
  }

  stack(elements: readonly E[]): B {
    return Object.fromEntries(this.#names.map((name) => {
      const { dtype, shape } = this.#components[name];
      const values = elements.map((element) => (element as Tuple)[name]);
      const stack = dtype === "string"
        ? stackStrings(values)
        : stackNumbers(dtype, sizeOf(shape!), values);
      return [name, stack];
    })) as B;
  }

  unstack(batch: B): readonly E[] {
    const tuple = batch as Tuple;
    const count = this.#batchCount(tuple);
    return Array.from({ length: count }, (_, i) =>
      Object.fromEntries(this.#names.map((name) => {
        const { shape } = this.#components[name];
        const stack = tuple[name] as Uint8Array;
        const size = sizeOf(shape!);
        return [name, shape!.length === 0 ? stack[i] : part(stack, i * size, size)];
      })) as E);
  }

  #batchCount(batch: Tuple): number {
    const fault = this.stackFault ?? this.#tupleFault(batch);
    if (fault !== undefined) throw new InvalidArgumentError(fault);
    const first = this.#names.find((name) => sizeOf(this.#components[name].shape!) > 0);
    if (first === undefined) throw new InvalidArgumentError("its elements are empty");
    const stack = batch[first] as Uint8Array;
    const count = Math.floor((stack?.length ?? 0) / sizeOf(this.#components[first].shape!));
    const wrong = this.#firstFault(batch, count);
    if (wrong !== undefined) throw new InvalidArgumentError(wrong);
    return count;
  }

  #tupleFault(element: unknown): string | undefined {
    const found = typeof element === "object" && element !== null ? Object.keys(element) : [];
    const missing = this.#names.some((name) => !found.includes(name));
    if (!missing && found.length === this.#names.length) return undefined;
    const list = (names: readonly string[]) => names.length === 0 ? "none" : names.join(", ");
    return `expected components ${list(this.#names)}, found ${list(found)}`;
  }

  #firstFault(tuple: Tuple, count: number | undefined): string | undefined {
    for (const name of this.#names) {
      const component = this.#components[name];
      const shape = count === undefined ? component.shape : [count, ...component.shape!];
      const fault = valueFault(component.dtype, shape, tuple[name]);
      if (fault !== undefined) return `component "${name}": ${fault}`;
    }
    return undefined;
  }
}

function checkComponent(name: string, { dtype, shape = [] }: Component): void {
  if (dtype !== "string" && !(dtype in ARRAYS)) {
    throw new InvalidArgumentError(
      `Cannot declare component "${name}" as its type is unknown: expected string or one of ${
        Object.keys(ARRAYS).join(", ")
      }, found ${dtype}`,
    );
  }
  if (shape.some((size) => !Number.isSafeInteger(size) || size < 0)) {
    throw new InvalidArgumentError(
      `Cannot declare component "${name}" as a size is no count: found [${shape}]`,
    );
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function stackStrings(values: readonly unknown[]): string[] {
  return values.flat() as string[];
}

function stackNumbers(
  dtype: NumberType,
  size: number,
  values: readonly unknown[],
): ArrayLike<number> {
  const stack = new ARRAYS[dtype](values.length * size);
  values.forEach((value, i) => {
    if (typeof value === "number") stack[i] = value;
    else stack.set(value as ArrayLike<number>, i * size);
  });
  return stack;
}

function part(stack: Uint8Array | string[], start: number, size: number): unknown {
  return Array.isArray(stack)
    ? stack.slice(start, start + size)
    : stack.subarray(start, start + size);
}

function valueFault(
  dtype: ComponentType,
  shape: readonly number[] | undefined,
  value: unknown,
): string | undefined {
  const found = dtypeOf(value, dtype);
  if (found !== dtype) return `expected ${dtype}, found ${found}`;
  if (shape === undefined) return undefined;
  const length = typeof value === "object" ? (value as ArrayLike<unknown>).length : undefined;
  if (shape.length === 0 ? length === undefined : length === sizeOf(shape)) return undefined;
  const values = length === undefined ? "a single value" : `${length} values`;
  return `expected shape [${shape.join(", ")}], found ${values}`;
}

/** The type of a value; of a bare number, the expected one if the number fits it. */
function dtypeOf(value: unknown, expected: ComponentType): string {
  if (typeof value === "number" && expected !== "string") {
    return fits(value, expected) ? expected : `the number ${value}`;
  }
  if (Array.isArray(value)) {
    return value.every((item) => typeof item === "string") ? "string" : "array";
  }
  for (const [dtype, array] of Object.entries(ARRAYS)) if (value instanceof array) return dtype;
  return value === null ? "null" : typeof value;
}

function fits(value: number, dtype: NumberType): boolean {
  if (dtype === "f32" || dtype === "f64") return true;
  CELLS[dtype][0] = value;
  return CELLS[dtype][0] === value;
}
