import { dropout } from "../ops/dropout.ts";
import type { Shape } from "../tensor/shape.ts";
import { placeholder, type Tensor } from "../tensor/tensor.ts";
import type { ImageInitializer, Initializer } from "./initializers.ts";
import type { ForwardInputs } from "./model.ts";
import type { LearningLimit, ParameterSpec } from "./parameters.ts";
import type { StatisticsSpec } from "./statistics.ts";

/** What a parameter is declared with. */
export interface ParameterOptions {
  readonly initializer: Initializer;
  /** Its weight decay, times that of the recipe. Default 0. */
  readonly decay?: number;
  /** Its learning rate, times that of the recipe. Default 1. */
  readonly rate?: number;
  /** How it starts where there are training images to look at; then `initializer` is not asked. */
  readonly fromImages?: ImageInitializer;
  /** When it stops to learn. Default: never. */
  readonly limit?: LearningLimit;
}

/** A layer as `describe` shows it. */
export interface LayerRecord {
  readonly name: string;
  /** What it does: `conv 5x5`, `max pool 3x3 / 2`. */
  readonly kind: string;
  readonly output: Tensor;
}

/** What the layers of a network are made with: they declare their parameters by name and get them. */
export interface Net {
  readonly classes: number;
  readonly training: boolean;
  /** The parameter of that name. @throws {RangeError} if it is declared twice */
  parameter(name: string, shape: Shape, options: ParameterOptions): Tensor;
  /** The running moments [2, C] of the batch normalization of that name. */
  statistics(name: string, channels: number): Tensor;
  /** Whether the batch normalization of that name keeps to its running moments while training. */
  isFixed(name: string): boolean;
  /** While training: the moments [2, C] of this batch, which the running ones follow. */
  follow(name: string, moments: Tensor): void;
  /** While training: x with a share of its values dropped, others in each step. */
  drop(x: Tensor, rate: number): Tensor;
  /**
   * Notes a layer: its value can be tapped by its name. Returns the value.
   *
   * @throws {RangeError} if a layer of that name is there
   */
  layer(name: string, kind: string, output: Tensor): Tensor;
  /** The same net, with `prefix/` before every name. */
  scope(prefix: string): Net;
}

/** A net and what was declared through it. */
export interface TracedNet {
  readonly net: Net;
  readonly parameters: readonly ParameterSpec[];
  readonly statistics: readonly StatisticsSpec[];
  readonly moments: Readonly<Record<string, Tensor>>;
  readonly taps: Readonly<Record<string, Tensor>>;
  readonly layers: readonly LayerRecord[];
  /** Whether anything is dropped while training. */
  readonly drops: boolean;
}

/**
 * A net whose parameters are the given ones; without any it is a rehearsal, whose parameters are
 * placeholders.
 */
export function traceNet(classes: number, inputs?: ForwardInputs): TracedNet {
  const parameters: ParameterSpec[] = [];
  const statistics: StatisticsSpec[] = [];
  const moments: Record<string, Tensor> = {};
  const taps: Record<string, Tensor> = {};
  const layers: LayerRecord[] = [];
  const names = new Set<string>();
  let drops = 0;
  const training = inputs?.training ?? false;

  // A normalization's statistics and its layer have one name.
  function declare(key: string, name: string): void {
    if (names.has(key)) throw new RangeError(`Cannot declare ${name} twice: choose another name`);
    names.add(key);
  }

  function given(kind: string, name: string, tensor: Tensor | undefined): Tensor {
    if (tensor !== undefined) return tensor;
    throw new RangeError(`Cannot build the network as ${kind} ${name} is not given`);
  }

  const scoped = (prefix: string): Net => ({
    classes,
    training,
    parameter(local, shape, { initializer, decay = 0, rate = 1, fromImages, limit }) {
      const name = prefix + local;
      declare(`parameter ${name}`, name);
      parameters.push({ name, shape, initializer, decay, rate, fromImages, limit });
      return inputs === undefined
        ? placeholder(name, shape)
        : given("parameter", name, inputs.parameters[name]);
    },
    statistics(local, channels) {
      const name = prefix + local;
      declare(`statistics ${name}`, name);
      statistics.push({ name, channels });
      return inputs === undefined || training && !inputs.fixed?.has(name)
        ? placeholder(name, [2, channels])
        : given("statistics", name, inputs.statistics?.[name]);
    },
    isFixed: (local) => inputs?.fixed?.has(prefix + local) ?? false,
    follow(local, value) {
      moments[prefix + local] = value;
    },
    drop(x, rate) {
      const layer = drops++;
      if (!training || rate === 0) return x;
      const counter = given("input", "counter", inputs?.counter);
      return dropout(x, rate, counter, { seed: inputs?.seed ?? 0, layer });
    },
    layer(local, kind, output) {
      const name = prefix + local;
      declare(`layer ${name}`, name);
      layers.push({ name, kind, output });
      return taps[name] = output;
    },
    scope: (inner) => scoped(`${prefix}${inner}/`),
  });
  return {
    net: scoped(""),
    parameters,
    statistics,
    moments,
    taps,
    layers,
    get drops() {
      return drops > 0;
    },
  };
}
