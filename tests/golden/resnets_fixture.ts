/** The golden values of `resnets.json`, and the parameters and batches they belong to: the twin of `resnets.py`. */
import assert from "node:assert/strict";
import { type ParameterLayout, splitBlock } from "../../src/nn/parameters.ts";
import { sizeOf } from "../../src/tensor/shape.ts";
import { hashed, relativeError } from "./fixture.ts";

/** Values of a tensor at every `stride`th place, and the norm of all. */
export interface Sampled {
  readonly norm: number;
  readonly stride: number;
  readonly values: readonly number[];
}

/** One network's golden values. */
export interface GoldenNetwork {
  readonly classes: number;
  /** Of the images of the first step; each later step has the next one. */
  readonly stream: number;
  readonly rate: number;
  /** Of the first batch in training; row-major. */
  readonly logits: readonly number[];
  readonly cross_entropy: number;
  /** With weight decay, before each of the ten steps. */
  readonly losses: readonly number[];
  /** Of the first batch in evaluation, after the ten steps and with their running moments. */
  readonly evaluated: readonly number[];
  readonly parameters: Readonly<
    Record<string, {
      readonly shape: readonly number[];
      readonly decays: boolean;
      readonly bits_sum: number;
      /** Of the first step's loss. */
      readonly gradient: Sampled;
    }>
  >;
  /** Running moments [2, C] after ten batches. */
  readonly statistics: Readonly<Record<string, Sampled>>;
}

/** Contents of `resnets.json`. */
export interface GoldenResnets {
  readonly batch: number;
  readonly momentum: number;
  readonly weight_decay: number;
  readonly labels: readonly number[];
  readonly networks: Readonly<Record<string, GoldenNetwork>>;
}

export function loadResnets(): GoldenResnets {
  return JSON.parse(Deno.readTextFileSync(new URL("resnets.json", import.meta.url)));
}

/** The images [batch, 32, 32, 3] of a stream. */
export function resnetImages(batch: number, stream: number): Float32Array<ArrayBuffer> {
  return hashed({ stream, size: batch * 32 * 32 * 3, offset: 0, scale: 1.75 });
}

/**
 * The parameters of a network in its layout.
 *
 * @throws {Error} if one differs from what `resnets.py` made
 */
export function resnetParameters(
  layout: ParameterLayout,
  golden: GoldenNetwork,
): Float32Array<ArrayBuffer> {
  const block = new Float32Array(layout.size);
  const views = splitBlock(layout, block);
  layout.specs.forEach(({ name, shape }, i) => {
    const values = hashed({ stream: 100 + i, size: sizeOf(shape), ...rangeOf(name, shape) });
    const bits = new Uint32Array(values.buffer).reduce((a, b) => (a + b) >>> 0, 0);
    if (bits !== golden.parameters[name].bits_sum) {
      throw new Error(`Cannot use resnets.json as ${name} is generated differently there`);
    }
    views[name].set(values);
  });
  return block;
}

function rangeOf(name: string, shape: readonly number[]): { offset: number; scale: number } {
  if (name.endsWith("/gamma")) return { offset: 1, scale: 0.25 };
  if (shape.length === 1) return { offset: 0, scale: 0.25 };
  if (shape.length === 2) return { offset: 0, scale: Math.sqrt(3 / shape[0]) };
  return { offset: 0, scale: Math.sqrt(6 / (shape[0] * shape[1] * shape[2])) };
}

/** That values and their norm are the golden ones, within a relative tolerance. */
export function assertSampled(
  actual: Float32Array,
  { norm, stride, values }: Sampled,
  tolerance: number,
  what: string,
): void {
  const error = relativeError(actual, values, stride);
  assert.ok(error < tolerance, `${what} differs by ${error}`);
  const off = Math.abs(Math.sqrt(actual.reduce((sum, v) => sum + v * v, 0)) / norm - 1);
  assert.ok(off < tolerance, `${what}: norm is off by ${off}`);
}
