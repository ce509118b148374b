/** Which convolutions take Winograd's algorithm, and that no NaN vanishes in its transforms. */
import assert from "node:assert/strict";
import type { LaunchList } from "../../src/engine/launch.ts";
import {
  suitsWinograd,
  winogradGradWeightWasm,
  winogradWasm,
} from "../../src/ops/conv_winograd_wasm.ts";
import { conv2d, grad, multiply, sum } from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { type Shape, sizeOf } from "../../src/tensor/shape.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, type Tensor } from "../../src/tensor/tensor.ts";
import { KERNELS, SCRATCH_BYTES } from "../../src/wasm/kernels.ts";
import { testCpu } from "../support.ts";

/** Ones, with a NaN at one place if it is given. */
function ones(shape: Shape, place?: number): Tensor {
  const values = new Float32Array(sizeOf(shape)).fill(1);
  if (place !== undefined) values[place] = NaN;
  return constant(values, shape);
}

interface Operands {
  readonly x: Tensor;
  readonly w: Tensor;
  readonly dy: Tensor;
}

/** What a convolution computes, each from two of the three. */
const PRODUCTS: Readonly<Record<string, (operands: Operands) => Tensor>> = {
  forward: ({ x, w }) => conv2d(x, w),
  "forward with ReLU": ({ x, w }) => conv2d(x, w, { activation: "relu" }),
  "gradient in x": ({ x, w, dy }) => grad(sum(multiply(conv2d(x, w), dy)), [x])[0],
  "gradient in w": ({ x, w, dy }) => grad(sum(multiply(conv2d(x, w), dy)), [w])[0],
};

/** A result, and whether it was made by Winograd's algorithm. */
async function run(y: Tensor): Promise<{ values: ArrayLike<number>; winograd: boolean }> {
  using state = new VariableState(await testCpu());
  using plan = await compile(state, { outputs: { y } });
  plan.run();
  const values = await plan.read("y");
  const kernels = (await plan.profile()).flatMap((op) => op.kernels);
  return { values, winograd: kernels.some((name) => name.startsWith("winograd")) };
}

/** Images of 7x7 pixels: tiles of 4x4 that hang over both edges. */
const IMAGE = [3, 7, 7, 12], OUTPUT = [3, 7, 7, 16];

for (const size of [3, 5]) {
  for (const [name, product] of Object.entries(PRODUCTS)) {
    Deno.test(`${size}x${size} ${name}: all that depends on a NaN is NaN`, async () => {
      const filters = [size, size, 12, 16];
      for (const [input, shape] of Object.entries({ x: IMAGE, w: filters, dy: OUTPUT })) {
        // Every pixel or tap of the first channel, so every place of a tile.
        for (let place = 0; place < sizeOf(shape) / shape[0]; place += shape[3]) {
          const at = (which: string) => which === input ? place : undefined;
          const y = product({
            x: ones(IMAGE, at("x")),
            w: ones(filters, at("w")),
            dy: ones(OUTPUT, at("dy")),
          });
          const [expected] = evaluateReference([y]);
          const { values, winograd } = await run(y);
          assert.ok(winograd);
          for (let i = 0; i < expected.length; i++) {
            if (!Number.isNaN(expected[i])) continue;
            assert.ok(Number.isNaN(values[i]), `the NaN at ${place} of ${input} is lost at ${i}`);
          }
        }
      }
    });
  }
}

/** Image, filters [KH, KW, O], and whether the transforms pay. */
const CHOICES: readonly (readonly [Shape, Shape, boolean])[] = [
  [[4, 8, 8, 16], [3, 3, 16], true],
  [[4, 8, 8, 16], [5, 5, 16], true],
  [[4, 8, 8, 16], [5, 3, 16], false],
  [[4, 8, 8, 16], [1, 1, 16], false],
  [[4, 8, 8, 8], [3, 3, 16], false],
  [[4, 8, 8, 18], [3, 3, 16], false],
  [[16, 3, 3, 16], [3, 3, 16], true],
  [[16, 2, 2, 16], [3, 3, 16], false],
  [[2, 8, 8, 16], [3, 3, 16], false],
];

for (const [image, [kh, kw, o], expected] of CHOICES) {
  Deno.test(`${image.join("x")} by ${kh}x${kw} filters: ${expected ? "Winograd" : "direct"}`, async () => {
    const { winograd } = await run(conv2d(ones(image), ones([kh, kw, image[3], o])));
    assert.equal(winograd, expected);
  });
}

/** The params of the launch that keeps tiles in scratch, by name. */
function paramsOf(
  { launches }: LaunchList,
  kernel: "winograd_conv2d" | "winograd_grad_weight",
): Record<string, number> {
  const launch = launches.find((launch) => launch.kernel === kernel) ?? assert.fail();
  const words = new Uint32Array(launch.params.slice().buffer);
  return Object.fromEntries(Object.keys(KERNELS[kernel].params).map((name, i) => [name, words[i]]));
}

Deno.test("the tiles of a unit fit in a thread's scratch area", () => {
  /** Bytes of the transform's passes, the table, the offsets and `vectors`, then the tiles of x and of y. */
  const bytes = (points: number, vectors: number, ofX: number, ofY: number) =>
    (1024 + points * 4 + 24 + vectors + 63 & ~63) + points * (ofX + 64 + ofY + 64);
  for (const taps of [3, 5]) {
    const points = (taps + 3) ** 2;
    for (let c = 12; c <= 1100; c += 4) {
      for (let o = 12; o <= 400; o += 28) {
        const pad = taps >> 1;
        const g = { n: 1200, h: 8, w: 8, c, oh: 8, ow: 8, padTop: pad, padLeft: pad };
        const window = { size: [taps, taps], strides: [1, 1], padding: "same" } as const;
        if (!suitsWinograd(g, window, o)) continue;
        const forward = paramsOf(
          winogradWasm(g, o, { taps, dilation: [1, 1], flip: false, relu: false }),
          "winograd_conv2d",
        );
        const tiles = Math.ceil(forward.unit_tiles / 6) * 6, line = forward.group_panels * 32;
        const vectors = c * 4 + Math.ceil(o / 8) * 32;
        assert.ok(
          bytes(points, vectors, tiles * c * 4, tiles * line) <= SCRATCH_BYTES,
          `${c} ${o}`,
        );
        const { unit_tiles, channels, group_panels } = paramsOf(
          winogradGradWeightWasm({ geometry: g, window, o }),
          "winograd_grad_weight",
        );
        const ofX = channels * 4, ofY = group_panels * 32;
        const most = bytes(points, Math.max(ofX, ofY), unit_tiles * ofX, unit_tiles * ofY);
        assert.ok(most <= SCRATCH_BYTES, `gradient of ${c} to ${o}: ${most}`);
      }
    }
  }
});
