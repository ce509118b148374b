/**
 * The golden values of `optimizers.json`, and the net, parameters and batches of its runs: the twin of
 * `optimizers.py`, which says how to make the file. A missing or unreadable file throws.
 */
import { constantInitializer } from "../../src/nn/initializers.ts";
import { dense, flatten } from "../../src/nn/layers.ts";
import { createModel, type Model } from "../../src/nn/model.ts";
import { parameterLayout } from "../../src/nn/parameters.ts";
import { tanh } from "../../src/ops/elementwise.ts";
import type { Schedule, ScheduleName } from "../../src/optim/schedules.ts";
import type { Recipe } from "../../src/train/recipe.ts";
import { hashed } from "./fixture.ts";

/** A run of ten steps. */
export interface GoldenRun {
  /** What of the recipe differs from the reference's. */
  readonly recipe: Partial<Recipe>;
  /** Of an image's own label in the loss; the rest is that of image N - 1 - n. */
  readonly share: number;
  /** How many steps were clipped. */
  readonly clipped: number;
  /** Before each step. */
  readonly losses: readonly number[];
  /** Before clipping. */
  readonly gradient_norms: readonly number[];
  /** After the last step, one behind the other. */
  readonly parameters: readonly number[];
}

/** Contents of `optimizers.json`. */
export interface GoldenOptimizers {
  /** The rates from step 0 on. */
  readonly schedules: readonly {
    readonly name: ScheduleName;
    readonly schedule: Schedule;
    readonly rates: readonly number[];
  }[];
  /** The rates after each evaluation. */
  readonly plateaus: readonly {
    readonly patience: number;
    readonly factor: number;
    readonly initial: number;
    readonly precisions: readonly number[];
    readonly rates: readonly number[];
  }[];
  readonly cross_entropies: {
    /** [7, 5], row-major. */
    readonly logits: readonly number[];
    readonly labels: readonly number[];
    readonly cases: readonly {
      readonly classWeights: readonly number[] | null;
      readonly labelSmoothing: number;
      readonly loss: number;
      readonly gradient: readonly number[];
    }[];
  };
  readonly batch: number;
  readonly runs: Readonly<Record<string, GoldenRun>>;
}

const CLASSES = 5;
const PIXELS = 27;

const start = { weights: constantInitializer(0) };

/** A net of smooth functions: no kink that rounding could take another way. */
export const smoothModel: Model = createModel({
  name: "smooth",
  image: [3, 3, 3],
  build(net, images) {
    const hidden = dense(net, "hidden", flatten(images), { units: 8, ...start, decay: 1 });
    return dense(net, "output", tanh(hidden), { units: net.classes, ...start });
  },
}, CLASSES);

/** The layout of the net's parameters. */
export const smoothLayout = parameterLayout(smoothModel.parameters);

/** Streams, offsets and scales of the parameters, in the net's order. */
const RECIPES = [[1, 0, 0.5], [2, 0.1, 0.2], [3, 0, 0.9], [4, 0, 0.3]] as const;

/** The parameters that the runs start from, as a block. */
export function smoothBlock(): Float32Array<ArrayBuffer> {
  const block = new Float32Array(smoothLayout.size);
  smoothLayout.specs.forEach(({ shape }, i) => {
    const [stream, offset, scale] = RECIPES[i];
    const size = shape.reduce((a, b) => a * b, 1);
    block.set(hashed({ stream, size, offset, scale }), smoothLayout.offsets[i]);
  });
  return block;
}

/** Micro-batch number `k` of a run. */
export function microBatch(k: number, batch: number) {
  return {
    images: hashed({ stream: 100 + k, size: batch * PIXELS, offset: 0, scale: 1.5 }),
    labels: Uint32Array.from({ length: batch }, (_, n) => (3 * n + k + 1) % CLASSES),
  };
}

/** The golden values of schedules, optimizers and losses. */
export function loadOptimizers(): GoldenOptimizers {
  const file = new URL("optimizers.json", import.meta.url);
  return JSON.parse(Deno.readTextFileSync(file));
}
