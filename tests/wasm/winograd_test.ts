/** Which convolutions take Winograd's algorithm, and that no NaN vanishes in its transforms. */
import assert from "node:assert/strict";
import { conv2d, grad, multiply, sum } from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { type Shape, sizeOf } from "../../src/tensor/shape.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, type Tensor } from "../../src/tensor/tensor.ts";
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
