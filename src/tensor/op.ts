import type { Engine, LaunchList, Target } from "../engine/launch.ts";
import type { DType, Shape } from "./shape.ts";
import { type Cost, makeTensor, type OpInstance, type Storage, type Tensor } from "./tensor.ts";

/** How a test fills a sample's input. */
export type SampleFill =
  /** Uniform in [-1, 1). */
  | "uniform"
  /** Uniform in [0.5, 1.5). */
  | "positive"
  /** Uniform whole numbers below the bound; for u32 inputs. */
  | { readonly below: number }
  /** These numbers; for f32 inputs whose positions have meanings. */
  | { readonly values: readonly number[] }
  /** Uniform multiples of 0.25 in [-1, 1): many ties. */
  | "quarters";

/** One row of an op's test table. */
export interface Sample<A> {
  readonly inputs: readonly { readonly shape: Shape; readonly fill?: SampleFill }[];
  readonly attributes: A;
  /** The largest error allowed, relative to the largest reference value; default 1e-5. */
  readonly tolerance?: number;
}

/** What launches, references and costs are computed from. */
export interface OpContext<A> {
  readonly inputs: readonly Tensor[];
  readonly output: { readonly shape: Shape; readonly dtype: DType };
  readonly attributes: A;
}

/** What an engine's launches are told beside the context: WebGPU's, the kind of adapter. */
export type Traits<E extends Engine> = Omit<Extract<Target, { readonly engine: E }>, "engine">;

/** What a gradient is computed from: the context, the op's own output node and the gradient of the loss in it. */
export interface VjpContext<A> extends Omit<OpContext<A>, "output"> {
  readonly output: Tensor;
  readonly dy: Tensor;
}

/** Everything about one op. Adding a literal adds its tests. */
export interface OpLiteral<A> {
  readonly name: string;
  /** What a node is called, where one op serves several functions. Default: the op's name. */
  title?(attributes: A): string;
  /** Checks all arguments; gives the output's shape, and its dtype if not f32. Throws with the op and the shapes named. */
  shape(inputs: readonly Tensor[], attributes: A): { shape: Shape; dtype?: DType };
  /** Default: memory of its own. */
  storage?(context: OpContext<A>): Storage;
  /** One entry an engine: a missing one is a compile error. */
  readonly launches: { readonly [E in Engine]: (context: OpContext<A> & Traits<E>) => LaunchList };
  /** In other ops. Absent: the op has no gradient. */
  vjp?(context: VjpContext<A>): readonly (Tensor | null)[];
  /** This op's result where y > 0, else 0, as one op: the gradient of y = relu(...) folded in. Optional. */
  masked?(context: OpContext<A>, y: Tensor): Tensor | undefined;
  /** The specification: naive float64 loops. */
  reference(context: OpContext<A>, values: readonly Float64Array[]): Float64Array;
  cost(context: OpContext<A>): Cost;
  readonly samples: readonly Sample<A>[];
}

/** A sample with its attributes bound, as tests use it. */
export interface OpCase {
  readonly title: string;
  readonly inputs: Sample<unknown>["inputs"];
  readonly tolerance: number;
  build(inputs: readonly Tensor[]): Tensor;
}

/** A defined op: call it to add a node. */
export interface Op<A> {
  (inputs: readonly Tensor[], attributes: A): Tensor;
  readonly opName: string;
  readonly differentiable: boolean;
  cases(): OpCase[];
}

/** Every op defined so far, for tests and listings. */
export const definedOps: {
  readonly opName: string;
  readonly differentiable: boolean;
  cases(): OpCase[];
}[] = [];

/** Makes an op of its literal. */
export function defineOp<A>(literal: OpLiteral<A>): Op<A> {
  const build = (inputs: readonly Tensor[], attributes: A): Tensor => {
    const { shape, dtype = "f32" } = literal.shape(inputs, attributes);
    const context: OpContext<A> = { inputs, output: { shape, dtype }, attributes };
    const name = literal.title?.(attributes) ?? literal.name;
    const op: OpInstance = {
      name,
      storage: literal.storage?.(context) ?? { kind: "own" },
      launches: (target) =>
        target.engine === "wasm"
          ? literal.launches.wasm(context)
          : literal.launches.webgpu({ ...context, kind: target.kind }),
      vjp(dy, output) {
        if (literal.vjp === undefined) {
          throw new TypeError(`Cannot differentiate ${literal.name} as it has no gradient`);
        }
        return literal.vjp({ inputs, attributes, output, dy });
      },
      masked: (y) => literal.masked?.(context, y),
      reference: (values) => literal.reference(context, values),
      cost: () => literal.cost(context),
    };
    return makeTensor({ name, shape, dtype, inputs, op, source: undefined });
  };
  const op: Op<A> = Object.assign(build, {
    opName: literal.name,
    differentiable: literal.vjp !== undefined,
    cases: () =>
      literal.samples.map((sample) => ({
        title: `${literal.name} ${sample.inputs.map((i) => `[${i.shape}]`).join(" ")} ${
          JSON.stringify(sample.attributes)
        }`,
        inputs: sample.inputs,
        tolerance: sample.tolerance ?? 1e-5,
        build: (inputs: readonly Tensor[]) => build(inputs, sample.attributes),
      })),
  });
  definedOps.push(op);
  return op;
}
