import { defineOp, type Sample } from "../tensor/op.ts";
import { sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { bytesOfShapes, checkRank, checkShapes } from "./check.ts";
import { reluGrad } from "./elementwise.ts";
import { transpose } from "./layout.ts";
import { matmulLaunches } from "./matmul_kernels.ts";
import { matmulWasm } from "./matmul_wasm.ts";
import { sum } from "./reduce.ts";

/** What is applied to each sum before it is stored. */
export type Activation = "none" | "relu";

interface MatmulAttributes {
  /** True: a is [K, M]. */
  readonly transposeA: boolean;
  readonly activation: Activation;
}

const op = defineOp<MatmulAttributes>({
  name: "matmul",
  shape(inputs, { transposeA }) {
    const [a, b, bias] = inputs;
    checkInputsF32("matmul", inputs, [2, 3]);
    checkRank("matmul", "a", a, 2);
    checkRank("matmul", "b", b, 2);
    const [m, k] = transposeA ? [a.shape[1], a.shape[0]] : [a.shape[0], a.shape[1]];
    checkShapes("matmul", "the inner sizes must agree", k === b.shape[0], a.shape, b.shape);
    const n = b.shape[1];
    if (bias) {
      checkShapes(
        "matmul",
        "there must be one bias a column",
        sizeOf(bias.shape) === n,
        bias.shape,
        b.shape,
      );
    }
    return { shape: [m, n] };
  },
  launches: {
    webgpu({ inputs: [, b, bias], output: { shape: [m, n] }, attributes, kind }) {
      return matmulLaunches(kind, {
        m,
        n,
        k: b.shape[0],
        hasBias: bias !== undefined,
        ...attributes,
      });
    },
    wasm: ({ inputs: [, b, bias], output: { shape: [m, n] }, attributes }) =>
      matmulWasm({ m, n, k: b.shape[0], hasBias: bias !== undefined, ...attributes }),
  },
  vjp({ inputs: [a, b, bias], output, attributes: { transposeA, activation }, dy }) {
    const dz = activation === "relu" ? reluGrad(output, dy) : dy;
    const da = transposeA ? matmul(b, transpose(dz)) : matmul(dz, transpose(b));
    const db = transposeA ? matmul(a, dz) : matmul(a, dz, { transposeA: true });
    return bias ? [da, db, sum(dz, { from: 0, to: 1 })] : [da, db];
  },
  reference({ output: { shape: [m, n] }, inputs: [, { shape: [k] }], attributes }, [a, b, bias]) {
    const y = new Float64Array(m * n);
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        let total = bias?.[column] ?? 0;
        for (let i = 0; i < k; i++) {
          total += a[attributes.transposeA ? i * m + row : row * k + i] * b[i * n + column];
        }
        y[row * n + column] = attributes.activation === "relu" && total <= 0 ? 0 : total;
      }
    }
    return y;
  },
  cost: ({ inputs, output: { shape: [m, n] } }) => ({
    flops: 2 * m * n * inputs[1].shape[0],
    bytes: bytesOfShapes(...inputs.map((t) => t.shape), [m, n]),
  }),
  samples: [
    [1, 1, 1],
    [3, 5, 7],
    [17, 31, 67],
    [64, 64, 64],
    [128, 10, 192],
    [37, 129, 130],
    [130, 68, 40],
    [5, 384, 1000],
  ].flatMap(([m, n, k]): Sample<MatmulAttributes>[] =>
    [false, true].flatMap((transposeA) => [
      {
        inputs: [{ shape: transposeA ? [k, m] : [m, k] }, { shape: [k, n] }],
        attributes: { transposeA, activation: "none" },
      },
      {
        inputs: [{ shape: transposeA ? [k, m] : [m, k] }, { shape: [k, n] }, { shape: [n] }],
        attributes: { transposeA, activation: "relu" },
      },
    ])
  ),
});

function checkInputsF32(name: string, inputs: readonly Tensor[], counts: readonly number[]): void {
  if (!counts.includes(inputs.length) || inputs.some((t) => t.dtype !== "f32")) {
    throw new TypeError(
      `Cannot apply ${name} as it takes ${counts.join(" or ")} f32 tensors: given ${inputs.length}`,
    );
  }
}

/** Options of a matrix product. */
export interface MatmulOptions {
  /** Added to every row, [N]. */
  readonly bias?: Tensor;
  readonly activation?: Activation;
  /** True: a is given as [K, M]. */
  readonly transposeA?: boolean;
}

/** activation(a b + bias): a [M, K], b [K, N], bias [N]; returns [M, N]. */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { bias, activation = "none", transposeA = false } = options;
  return op(bias ? [a, b, bias] : [a, b], { transposeA, activation });
}
