/** Eigenvalues and eigenvectors by what defines them; numpy's are in tests/train/airbench_golden_test.ts. */
import assert from "node:assert/strict";
import { symmetricEigen } from "../../src/util/symmetric_eigen.ts";
import { testRandom } from "../support.ts";

function assertEigen(matrix: readonly number[], n: number): Float64Array {
  const { values, vectors } = symmetricEigen(matrix, n);
  const largest = Math.max(...matrix.map(Math.abs), 1e-300);
  const near = (a: number, b: number, what: string) =>
    assert.ok(Math.abs(a - b) < 1e-12 * n, `${what}: ${a}, ${b}`);
  for (let i = 0; i < n; i++) {
    for (let row = 0; row < n; row++) {
      const image = vectors[i].reduce((sum, x, j) => sum + matrix[row * n + j] * x, 0);
      near(image / largest, values[i] * vectors[i][row] / largest, `A v of ${i}`);
    }
    for (let j = 0; j <= i; j++) {
      near(vectors[i].reduce((sum, x, k) => sum + x * vectors[j][k], 0), i === j ? 1 : 0, "v v'");
    }
    assert.ok(i === 0 || values[i] <= values[i - 1], "largest first");
    const peak = vectors[i].reduce((best, x) => Math.abs(x) > Math.abs(best) ? x : best, 0);
    assert.ok(peak > 0, "the largest component is positive");
  }
  return values;
}

Deno.test("eigenvalues and eigenvectors of random symmetric matrices", () => {
  const random = testRandom(5);
  for (const n of [1, 2, 3, 12, 27]) {
    for (const scale of [1e-6, 1, 1e6]) {
      const matrix = new Array<number>(n * n);
      for (let i = 0; i < n; i++) {
        for (let j = i; j < n; j++) {
          matrix[i * n + j] = matrix[j * n + i] = (random() - 0.5) * scale;
        }
      }
      assertEigen(matrix, n);
    }
  }
});

Deno.test("eigenvalues that are equal or zero, and a matrix that is diagonal", () => {
  assert.deepEqual([...assertEigen([2, 0, 0, 0, 2, 0, 0, 0, 2], 3)], [2, 2, 2]);
  assert.deepEqual([...assertEigen([0, 0, 0, 0], 2)], [0, 0]);
  assert.deepEqual([...assertEigen([1, 0, 0, 0, 3, 0, 0, 0, -2], 3)], [3, 1, -2]);
  const ones = assertEigen(Array(16).fill(1), 4);
  assert.ok(Math.abs(ones[0] - 4) < 1e-12 && Math.abs(ones[3]) < 1e-12);
});

Deno.test("only the upper triangle counts, and a number that is not finite is refused", () => {
  assert.deepEqual(symmetricEigen([2, 1, NaN, 2], 2), symmetricEigen([2, 1, 1, 2], 2));
  assert.throws(() => symmetricEigen([2, Infinity, 0, 2], 2), /not finite/);
});
