/** Loops that a software adapter would cut off silently: right up to the limit, refused beyond it. */
import assert from "node:assert/strict";
import type { AdapterKind } from "../../src/engine/launch.ts";
import {
  conv2d,
  grad,
  inTopK,
  locallyConnected2d,
  matmul,
  softCrossEntropy,
  softmax,
  softmaxCrossEntropy,
  sum,
} from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { type Shape, sizeOf } from "../../src/tensor/shape.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, type Tensor } from "../../src/tensor/tensor.ts";
import { assertClose, testableKinds, testCpu, testDevice } from "../support.ts";

interface Border {
  readonly op: string;
  /** The largest size that each kind takes; no kind but these has a limit. */
  readonly sizes: Readonly<Record<Exclude<AdapterKind, "gpu">, number>>;
  build(size: number): Tensor;
  /** What the error says of the shapes. */
  shapes(size: number): string;
}

function ones(...shape: Shape): Tensor {
  return constant(new Float32Array(sizeOf(shape)).fill(1), shape);
}

/** One row of zeros, the last number excepted. */
function row(classes: number): Tensor {
  const logits = new Float32Array(classes);
  logits[classes - 1] = 10;
  return constant(logits, [1, classes]);
}

const first = constant(Uint32Array.of(0), [1]);

function everywhere(size: number) {
  return { naive: size, software: size, subgroup8: size };
}

const BORDERS: readonly Border[] = [
  {
    op: "matmul",
    sizes: { naive: 239_992, software: 239_996, subgroup8: 479_992 },
    build: (k) => matmul(ones(1, k), ones(k, 4)),
    shapes: (k) => `[1, ${k}] and [${k}, 4]`,
  },
  {
    op: "conv2d",
    sizes: { naive: 59_995, software: 239_988, subgroup8: 479_976 },
    build: (c) => conv2d(ones(1, 1, 1, c), ones(1, 1, c, 4)),
    shapes: (c) => `[1, 1, 1, ${c}] and [1, 1, ${c}, 4]`,
  },
  {
    op: "conv2d_grad_input",
    sizes: everywhere(239_976),
    build(o) {
      const x = ones(1, 2, 2, 1);
      return grad(sum(conv2d(x, ones(1, 1, 1, o), { strides: [2, 2] })), [x])[0];
    },
    shapes: (o) => `[1, 2, 2, 1] and [1, 1, 1, ${o}]`,
  },
  {
    op: "conv2d_grad_input",
    sizes: { naive: 239_976, software: 239_988, subgroup8: 479_976 },
    build(o) {
      const x = ones(1, 1, 1, 4);
      return grad(sum(conv2d(x, ones(1, 1, 4, o))), [x])[0];
    },
    shapes: (o) => `[1, 1, 1, 4] and [1, 1, 4, ${o}]`,
  },
  {
    // Many short loops: what ends each of them counts.
    op: "conv2d_grad_input",
    sizes: everywhere(247),
    build(kh) {
      const x = ones(1, kh, 60, 1);
      const options = { strides: [2, 2], padding: "valid" } as const;
      return grad(sum(conv2d(x, ones(kh, 60, 1, 1), options)), [x])[0];
    },
    shapes: (kh) => `[1, ${kh}, 60, 1] and [${kh}, 60, 1, 1]`,
  },
  {
    op: "locally_connected2d",
    sizes: { naive: 239_984, software: 239_988, subgroup8: 239_988 },
    build: (c) => locallyConnected2d(ones(1, 1, 1, c), ones(1, c, 4), { size: [1, 1] }),
    shapes: (c) => `[1, 1, 1, ${c}] and [1, 1, ${c}, 4]`,
  },
  {
    op: "softmax",
    sizes: everywhere(79_996),
    build: (classes) => softmax(row(classes)),
    shapes: (classes) => `[1, ${classes}]`,
  },
  {
    op: "softmax_cross_entropy",
    sizes: everywhere(119_996),
    build: (classes) => softmaxCrossEntropy(row(classes), first),
    shapes: (classes) => `[1, ${classes}]`,
  },
  {
    op: "softmax_cross_entropy_grad",
    sizes: everywhere(79_996),
    build(classes) {
      const logits = row(classes);
      return grad(sum(softmaxCrossEntropy(logits, first)), [logits])[0];
    },
    shapes: (classes) => `[1, ${classes}]`,
  },
  {
    op: "soft_cross_entropy",
    sizes: everywhere(79_996),
    build: (classes) => softCrossEntropy(row(classes), row(classes)),
    shapes: (classes) => `[1, ${classes}]`,
  },
  {
    op: "soft_cross_entropy_grad",
    sizes: everywhere(79_996),
    build(classes) {
      const logits = row(classes);
      return grad(sum(softCrossEntropy(logits, row(classes))), [logits])[0];
    },
    shapes: (classes) => `[1, ${classes}]`,
  },
  {
    op: "in_top_k",
    sizes: everywhere(239_996),
    build: (classes) => inTopK(row(classes), first, 1),
    shapes: (classes) => `[1, ${classes}]`,
  },
];

for (const { op, sizes, build, shapes } of BORDERS) {
  Deno.test(`${op} ${shapes(sizes.naive)}: right up to the trips of a software adapter, refused beyond`, async () => {
    for (const kind of await testableKinds()) {
      using state = new VariableState(await testDevice(kind));
      if (kind === "gpu") {
        using _plan = await compile(state, { outputs: { y: build(sizes.naive + 1) } });
        continue;
      }
      const size = sizes[kind];
      const y = build(size);
      using plan = await compile(state, { outputs: { y } });
      plan.run();
      assertClose(await plan.read("y"), evaluateReference([y])[0], 1e-3, kind);
      await assert.rejects(
        () => compile(state, { outputs: { y: build(size + 1) } }),
        (error) => {
          assert.ok(error instanceof RangeError, `${kind}: ${error}`);
          assert.match(error.message, new RegExp(`Cannot apply ${op} as .* 60000 trips`));
          assert.ok(error.message.endsWith(shapes(size + 1)), `${kind}: ${error.message}`);
          return true;
        },
      );
    }
  });

  Deno.test(`${op} ${shapes(sizes.naive)}: the CPU engine has no such limit`, async () => {
    using state = new VariableState(await testCpu());
    const y = build(Math.max(...Object.values(sizes)) + 1);
    using plan = await compile(state, { outputs: { y } });
    plan.run();
    assertClose(await plan.read("y"), evaluateReference([y])[0], 1e-3, "wasm");
  });
}
