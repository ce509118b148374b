import { foldGrid, input, output } from "../engine/launch.ts";
import { defineOp, type Op, type Sample } from "../tensor/op.ts";
import { type DType, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, checkRank, checkShapes } from "./check.ts";
import { reshape } from "./layout.ts";
import { argmaxWasm, averageWasm, maxGradWasm, selectWasm } from "./pool_wasm.ts";
import {
  checkWindowTrips,
  forEachTap,
  type WindowAttributes,
  windowGeometry,
  windowOverrides,
  windowParams,
} from "./window.ts";
import { vectorWidth } from "./vector.ts";

const WINDOWS: readonly { readonly x: readonly number[]; readonly window: WindowAttributes }[] = [
  { x: [1, 1, 1, 1], window: { size: [1, 1], strides: [1, 1], padding: "valid" } },
  { x: [2, 12, 12, 8], window: { size: [3, 3], strides: [2, 2], padding: "same" } },
  { x: [2, 12, 12, 5], window: { size: [3, 3], strides: [2, 2], padding: "same" } },
  { x: [3, 7, 5, 2], window: { size: [3, 2], strides: [2, 3], padding: "same" } },
  { x: [1, 9, 8, 3], window: { size: [2, 2], strides: [2, 2], padding: "valid" } },
  { x: [2, 5, 5, 1], window: { size: [5, 5], strides: [1, 1], padding: "same" } },
];

const argmaxOp = defineOp<WindowAttributes>({
  name: "max_pool2d_argmax",
  shape([x, ...rest], attributes) {
    checkInputs("max_pool2d", [x, ...rest], ["f32"]);
    checkRank("max_pool2d", "x", x, 4);
    const g = windowGeometry("max_pool2d", x.shape, attributes);
    return { shape: [g.n, g.oh, g.ow, g.c], dtype: "u32" };
  },
  launches: {
    webgpu({ inputs: [x], output: { shape }, attributes, kind }) {
      checkWindowTrips("max_pool2d", attributes, kind);
      const geometry = windowGeometry("max_pool2d", x.shape, attributes);
      const { width, elem, place, truth } = vectorWidth(geometry.c);
      const length = sizeOf(shape) / width;
      return {
        launches: [launch("max_pool2d_argmax", {
          aliases: { elem, place, truth },
          buffers: { x: input(0), y: output },
          overrides: windowOverrides(attributes),
          params: { length, ...windowParams(geometry), c: geometry.c / width },
          grid: foldGrid(Math.ceil(length / 256)),
        })],
      };
    },
    wasm: ({ inputs: [x], attributes }) =>
      argmaxWasm(windowGeometry("max_pool2d", x.shape, attributes), attributes),
  },
  reference({ inputs: [x], output: { shape }, attributes }, [values]) {
    const best = new Float64Array(sizeOf(shape)).fill(-Infinity);
    const place = new Float64Array(sizeOf(shape));
    const c = x.shape[3];
    forEachTap(windowGeometry("max_pool2d", x.shape, attributes), attributes, (to, from, tap) => {
      for (let i = 0; i < c; i++) {
        if (values[from * c + i] > best[to * c + i]) {
          best[to * c + i] = values[from * c + i];
          place[to * c + i] = tap;
        }
      }
    });
    return place;
  },
  cost: ({ inputs: [x], output: { shape }, attributes: { size } }) => ({
    flops: sizeOf(shape) * size[0] * size[1],
    bytes: bytesOfShapes(x.shape, shape),
  }),
  samples: WINDOWS.map(({ x, window }) => ({
    inputs: [{ shape: x, fill: "quarters" }],
    attributes: window,
  })),
});

const selectOp = defineOp<WindowAttributes>({
  name: "max_pool2d_select",
  shape([x, argmax, ...rest]) {
    checkInputs("max_pool2d_select", [x, argmax, ...rest], ["f32", "u32"]);
    return { shape: argmax.shape };
  },
  launches: {
    webgpu({ inputs: [x], output: { shape }, attributes }) {
      const length = sizeOf(shape);
      const { KW, STRIDE_H, STRIDE_W } = windowOverrides(attributes);
      const { width } = vectorWidth(x.shape[3]);
      return {
        launches: [launch("max_pool2d_select", {
          lines: { QUAD: width },
          buffers: { x: input(0), argmax: input(1), y: output },
          overrides: { KW, STRIDE_H, STRIDE_W },
          params: { length, ...windowParams(windowGeometry("max_pool2d", x.shape, attributes)) },
          grid: foldGrid(Math.ceil(length / width / 256)),
        })],
      };
    },
    wasm: ({ inputs: [x], attributes }) =>
      selectWasm(windowGeometry("max_pool2d", x.shape, attributes), attributes),
  },
  vjp: (
    { inputs: [x, argmax], output: y, attributes, dy },
  ) => [maxGrad([argmax, dy], { ...attributes, image: x.shape, pool: { x, y } }), null],
  reference({ inputs: [x], output: { shape }, attributes }, [values, argmax]) {
    const y = new Float64Array(sizeOf(shape));
    const c = x.shape[3];
    forEachTap(windowGeometry("max_pool2d", x.shape, attributes), attributes, (to, from, tap) => {
      for (let i = 0; i < c; i++) {
        if (argmax[to * c + i] === tap) y[to * c + i] = values[from * c + i];
      }
    });
    return y;
  },
  cost: ({ output: { shape } }) => ({ flops: 0, bytes: bytesOfShapes(shape, shape, shape) }),
  // Only places inside the image make sense: windows of one row without padding.
  samples: [
    {
      inputs: [{ shape: [2, 6, 8, 3] }, { shape: [2, 3, 4, 3], fill: { below: 4 } }],
      attributes: { size: [2, 2], strides: [2, 2], padding: "valid" },
    },
  ],
});

interface GradAttributes extends WindowAttributes {
  /** Shape of the pooled image, [N, H, W, C]. */
  readonly image: readonly number[];
}

interface MaxGradAttributes extends GradAttributes {
  /** What was pooled, and the result. */
  readonly pool?: { readonly x: Tensor; readonly y: Tensor };
}

const maxGrad: Op<MaxGradAttributes> = defineOp<MaxGradAttributes>({
  name: "max_pool2d_grad",
  shape(inputs, { image }) {
    const dtypes: DType[] = inputs.length === 3 ? ["u32", "f32", "f32"] : ["u32", "f32"];
    checkInputs("max_pool2d_grad", inputs, dtypes);
    return { shape: image };
  },
  // A pixel that a window chose is its maximum: where that is 0 the ReLU's gradient is, too.
  masked: ({ inputs: [argmax, dy], attributes: { pool, ...attributes } }, y) =>
    y === pool?.x ? maxGrad([argmax, dy, pool.y], attributes) : undefined,
  launches: {
    webgpu({ inputs, attributes, kind }) {
      checkWindowTrips("max_pool2d_grad", attributes, kind);
      const geometry = windowGeometry("max_pool2d", attributes.image, attributes);
      const { width, elem, place } = vectorWidth(geometry.c);
      const length = sizeOf(attributes.image) / width;
      const masked = inputs.length === 3;
      return {
        launches: [launch("max_pool2d_grad", {
          aliases: { elem, place },
          // Without a mask the binding still wants a buffer: dy serves.
          buffers: { argmax: input(0), dy: input(1), pooled: input(masked ? 2 : 1), dx: output },
          overrides: { ...windowOverrides(attributes), MASK: masked },
          params: { length, ...windowParams(geometry), c: geometry.c / width },
          grid: foldGrid(Math.ceil(length / 256)),
        })],
      };
    },
    wasm: ({ inputs, attributes }) =>
      maxGradWasm(
        windowGeometry("max_pool2d", attributes.image, attributes),
        attributes,
        inputs.length === 3,
      ),
  },
  reference({ attributes }, [argmax, dy, pooled]) {
    const dx = new Float64Array(sizeOf(attributes.image));
    const c = attributes.image[3];
    const geometry = windowGeometry("max_pool2d", attributes.image, attributes);
    forEachTap(geometry, attributes, (to, from, tap) => {
      for (let i = 0; i < c; i++) {
        const at = to * c + i;
        const passes = pooled === undefined || !(pooled[at] <= 0);
        if (argmax[at] === tap && passes) dx[from * c + i] += dy[at];
      }
    });
    return dx;
  },
  cost: ({ inputs: [argmax, dy], attributes: { image } }) => ({
    flops: sizeOf(image),
    bytes: bytesOfShapes(argmax.shape, dy.shape, image),
  }),
  samples: WINDOWS.flatMap(({ x, window }): Sample<MaxGradAttributes>[] => {
    const { n, oh, ow, c } = windowGeometry("max_pool2d", x, window);
    const shape = [n, oh, ow, c];
    const argmax = { shape, fill: { below: window.size[0] * window.size[1] } };
    const attributes = { ...window, image: x };
    return [
      { inputs: [argmax, { shape }], attributes },
      { inputs: [argmax, { shape }, { shape }], attributes },
    ];
  }),
});

/**
 * Max pooling of x [N, H, W, C] to [N, OH, OW, C]. The gradient goes to the first maximum of a window, in
 * row-major order, as in TensorFlow and PyTorch. Padding never wins.
 */
export function maxPool2d(x: Tensor, attributes: WindowAttributes): Tensor {
  return selectOp([x, argmaxOp([x], attributes)], attributes);
}

type AverageAttributes = GradAttributes & { readonly gradient: boolean };

const average: Op<AverageAttributes> = defineOp<AverageAttributes>({
  name: "avg_pool2d",
  shape([x, ...rest], { image, gradient, ...window }) {
    checkInputs("avg_pool2d", [x, ...rest], ["f32"]);
    checkRank("avg_pool2d", "x", x, 4);
    const { n, oh, ow, c } = windowGeometry("avg_pool2d", image, window);
    checkShapes(
      "avg_pool2d",
      "the input must be an image or its windows",
      x.shape[3] === c,
      x.shape,
      image,
    );
    return { shape: gradient ? image : [n, oh, ow, c] };
  },
  launches: {
    webgpu({ output: { shape }, attributes, kind }) {
      checkWindowTrips("avg_pool2d", attributes, kind);
      const geometry = windowGeometry("avg_pool2d", attributes.image, attributes);
      const { width, elem } = vectorWidth(geometry.c);
      const length = sizeOf(shape) / width;
      return {
        launches: [launch("avg_pool2d", {
          aliases: { elem },
          buffers: { x: input(0), y: output },
          overrides: { ...windowOverrides(attributes), GRADIENT: attributes.gradient },
          params: { length, ...windowParams(geometry), c: geometry.c / width },
          grid: foldGrid(Math.ceil(length / 256)),
        })],
      };
    },
    wasm: ({ attributes }) =>
      averageWasm(
        windowGeometry("avg_pool2d", attributes.image, attributes),
        attributes,
        attributes.gradient,
      ),
  },
  // Linear, so the gradient of the gradient is the pooling itself.
  vjp: ({ attributes, dy }) => [average([dy], { ...attributes, gradient: !attributes.gradient })],
  reference({ output: { shape }, attributes }, [values]) {
    const c = attributes.image[3];
    const geometry = windowGeometry("avg_pool2d", attributes.image, attributes);
    const pixels = new Float64Array(geometry.n * geometry.oh * geometry.ow);
    forEachTap(geometry, attributes, (to) => pixels[to]++);
    const y = new Float64Array(sizeOf(shape));
    forEachTap(geometry, attributes, (to, from) => {
      const [source, target] = attributes.gradient ? [to, from] : [from, to];
      for (let i = 0; i < c; i++) y[target * c + i] += values[source * c + i] / pixels[to];
    });
    return y;
  },
  cost: ({ inputs: [x], output: { shape }, attributes: { size } }) => ({
    flops: sizeOf(shape) * size[0] * size[1],
    bytes: bytesOfShapes(x.shape, shape),
  }),
  samples: WINDOWS.flatMap(({ x, window }) => {
    const { n, oh, ow, c } = windowGeometry("avg_pool2d", x, window);
    return [
      { inputs: [{ shape: x }], attributes: { ...window, image: x, gradient: false } },
      { inputs: [{ shape: [n, oh, ow, c] }], attributes: { ...window, image: x, gradient: true } },
    ];
  }),
});

/**
 * Average pooling of x [N, H, W, C] to [N, OH, OW, C]; a window clipped by the edge divides by the pixels it has.
 * With windows of 3, stride 2 and padding "same" it is that of cuda-convnet, whose windows start at the image's
 * first pixel, wherever the image's sides are even.
 */
export function avgPool2d(x: Tensor, attributes: WindowAttributes): Tensor {
  return average([x], { ...attributes, image: x.shape, gradient: false });
}

/** The mean of each channel of x [N, H, W, C] over all pixels: [N, C]. */
export function globalAveragePool(x: Tensor): Tensor {
  const [n, h, w, c] = checkRank("global_average_pool", "x", x, 4);
  return reshape(avgPool2d(x, { size: [h, w], strides: [1, 1], padding: "valid" }), [n, c]);
}
