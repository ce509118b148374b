/** Muon's iteration by what it is for; its training is compared with PyTorch's in tests/train/airbench_golden_test.ts. */
import assert from "node:assert/strict";
import { orthogonalized } from "../../src/optim/muon.ts";
import { compute } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant } from "../../src/tensor/tensor.ts";
import { symmetricEigen } from "../../src/util/symmetric_eigen.ts";
import { relativeError, testEngines, testRandom } from "../support.ts";

function transposed(
  x: ArrayLike<number>,
  rows: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: rows * columns },
    (_, i) => x[i % rows * columns + Math.floor(i / rows)],
  );
}

/** The quintic three times, of a singular value. */
function iterated(value: number): number {
  for (let i = 0; i < 3; i++) value = 3.4445 * value - 4.775 * value ** 3 + 2.0315 * value ** 5;
  return value;
}

Deno.test("an orthogonalized matrix has the singular values of the quintic, and the same directions", async () => {
  const [rows, columns] = [21, 6];
  const random = testRandom(3);
  const x = Float32Array.from({ length: rows * columns }, () => random() - 0.4);
  const norm = Math.hypot(...x);
  const gram = (of: ArrayLike<number>) =>
    Array.from({ length: columns * columns }, (_, at) => {
      const [i, j] = [Math.floor(at / columns), at % columns];
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += of[row * columns + i] * of[row * columns + j];
      return sum;
    });
  const before = symmetricEigen(gram(x), columns);
  for (const { name, device } of await testEngines()) {
    using state = new VariableState(device);
    const tall = await compute(state, orthogonalized(constant(x, [rows, columns])));
    const moments = gram(tall);
    before.vectors.forEach((vector, k) => {
      const expected = iterated(Math.sqrt(before.values[k]) / norm) ** 2;
      vector.forEach((v, i) => {
        const image = vector.reduce((sum, u, j) => sum + moments[i * columns + j] * u, 0);
        assert.ok(Math.abs(image - expected * v) < 1e-4, `${name}: direction ${k}: ${image}`);
      });
    });
    const flat = constant(transposed(x, rows, columns), [columns, rows]);
    const wide = await compute(state, orthogonalized(flat));
    const error = relativeError(wide, [...transposed(tall, rows, columns)]);
    assert.ok(error < 1e-5, `${name}: that of x' differs by ${error}`);
  }
});

Deno.test("of a matrix of zeros nothing is made", async () => {
  for (const { device } of await testEngines()) {
    using state = new VariableState(device);
    const y = await compute(state, orthogonalized(constant(new Float32Array(12), [4, 3])));
    assert.ok(y.every((v) => v === 0));
  }
});
