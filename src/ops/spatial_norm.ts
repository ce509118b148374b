import { foldGrid, input, type LaunchList, output, scratch } from "../engine/launch.ts";
import { defineOp, type Op } from "../tensor/op.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { SCRATCH_BYTES } from "../wasm/kernels.ts";
import { launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, checkInteger, checkRank } from "./check.ts";
import { vectorWidth } from "./vector.ts";
import {
  checkWindowTrips,
  forEachTap,
  type WindowAttributes,
  type WindowGeometry,
} from "./window.ts";

const NAME = "spatial_response_normalization";

/** Constants of a normalization over rows and columns, in cuda-convnet's convention. */
export interface SpatialNormAttributes {
  /** Height and width of the window, in pixels. */
  readonly size: number;
  /** Divided by the window's pixels, size^2, also where the edge clips it. */
  readonly scale: number;
  readonly power: number;
}

const SAMPLES: readonly {
  readonly shape: readonly number[];
  readonly attributes: SpatialNormAttributes;
}[] = [
  { shape: [1, 1, 1, 1], attributes: { size: 3, scale: 1, power: 0.75 } },
  { shape: [2, 8, 8, 32], attributes: { size: 3, scale: 5e-5, power: 0.75 } },
  { shape: [3, 7, 5, 6], attributes: { size: 3, scale: 4, power: 0.75 } },
  { shape: [2, 6, 7, 5], attributes: { size: 4, scale: 2, power: 0.5 } },
  { shape: [1, 3, 4, 8], attributes: { size: 9, scale: 20, power: 1.25 } },
];

/** The window around each pixel. An even one has its larger half before the pixel. */
function windowAround([n, h, w, c]: Shape, size: number): [WindowGeometry, WindowAttributes] {
  const before = Math.floor(size / 2);
  return [
    { n, h, w, c, oh: h, ow: w, padTop: before, padLeft: before },
    { size: [size, size], strides: [1, 1], padding: "same" },
  ];
}

function common(shape: Shape, { size, scale, power }: SpatialNormAttributes) {
  const { width, elem } = vectorWidth(shape[3]);
  const length = sizeOf(shape) / width;
  return {
    aliases: { elem },
    overrides: { SIZE: size, BETA: power },
    params: { length, h: shape[1], w: shape[2], c: shape[3] / width, alpha: scale / size ** 2 },
    grid: foldGrid(Math.ceil(length / 256)),
  };
}

function commonWasm([n, h, w, c]: Shape, { size, scale, power }: SpatialNormAttributes) {
  // A thread keeps a row of sums in its scratch area.
  if (w * c * 4 + 16 > SCRATCH_BYTES) {
    throw new RangeError(
      `Cannot apply ${NAME} as a row of an image must fit in ${SCRATCH_BYTES} bytes: ` +
        `current size is ${w} pixels of ${c} channels`,
    );
  }
  return { params: { h, w, c, size, alpha: scale / size ** 2, beta: power }, units: n * h };
}

/** 1 + scale / size^2 * (sum of squares over the window), for every element. */
function scales(
  x: Float64Array,
  shape: Shape,
  { size, scale }: SpatialNormAttributes,
): Float64Array {
  const c = shape[3];
  const s = new Float64Array(x.length).fill(1);
  forEachTap(...windowAround(shape, size), (to, from) => {
    for (let i = 0; i < c; i++) s[to * c + i] += scale / size ** 2 * x[from * c + i] ** 2;
  });
  return s;
}

const normOp = defineOp<SpatialNormAttributes>({
  name: NAME,
  shape([x, ...rest], { size }) {
    checkInputs(NAME, [x, ...rest], ["f32"]);
    checkInteger(NAME, "the window's size", size, 1);
    return { shape: checkRank(NAME, "x", x, 4) };
  },
  launches: {
    webgpu({ output: { shape }, attributes, kind }) {
      checkWindowTrips(NAME, windowAround(shape, attributes.size)[1], kind);
      const buffers = { x: input(0), y: output };
      return { launches: [launch("spatial_norm", { ...common(shape, attributes), buffers })] };
    },
    wasm({ output: { shape }, attributes }) {
      const buffers = { x: input(0), y: output };
      return {
        launches: [launchWasm("spatial_norm", { ...commonWasm(shape, attributes), buffers })],
      };
    },
  },
  vjp: ({ inputs: [x], attributes, dy }) => [normGrad([x, dy], { ...attributes, mask: false })],
  reference({ output: { shape }, attributes }, [x]) {
    const s = scales(x, shape, attributes);
    return x.map((v, i) => v * s[i] ** -attributes.power);
  },
  cost: ({ output: { shape }, attributes: { size } }) => ({
    flops: sizeOf(shape) * (2 * size ** 2 + 7),
    bytes: bytesOfShapes(shape, shape),
  }),
  samples: SAMPLES.map(({ shape, attributes }) => ({ inputs: [{ shape }], attributes })),
});

interface GradAttributes extends SpatialNormAttributes {
  /** True: x came from a ReLU, whose gradient is folded in. */
  readonly mask: boolean;
}

const normGrad: Op<GradAttributes> = defineOp<GradAttributes>({
  name: `${NAME}_grad`,
  shape([x, dy, ...rest]) {
    checkInputs(`${NAME}_grad`, [x, dy, ...rest], ["f32", "f32"]);
    return { shape: x.shape };
  },
  launches: {
    webgpu({ output: { shape }, attributes, kind }): LaunchList {
      checkWindowTrips(`${NAME}_grad`, windowAround(shape, attributes.size)[1], kind);
      const { overrides, ...rest } = common(shape, attributes);
      return {
        launches: [
          launch("spatial_norm_terms", {
            ...rest,
            overrides,
            buffers: { x: input(0), dy: input(1), terms: scratch(0), dx: output },
          }),
          launch("spatial_norm_grad", {
            ...rest,
            overrides: { ...overrides, MASK: attributes.mask },
            buffers: { x: input(0), terms: scratch(0), dx: output },
          }),
        ],
        scratchBytes: [sizeOf(shape) * 4],
      };
    },
    wasm({ output: { shape }, attributes }): LaunchList {
      const { params, units } = commonWasm(shape, attributes);
      return {
        launches: [
          launchWasm("spatial_norm_terms", {
            params,
            units,
            buffers: { x: input(0), dy: input(1), terms: scratch(0), dx: output },
          }),
          launchWasm("spatial_norm_grad", {
            params: { ...params, mask: Number(attributes.mask) },
            units,
            buffers: { x: input(0), terms: scratch(0), dx: output },
          }),
        ],
        scratchBytes: [sizeOf(shape) * 4],
      };
    },
  },
  // Only x itself is at hand to decide.
  masked: ({ inputs: [x, dy], attributes }, y) =>
    x === y ? normGrad([x, dy], { ...attributes, mask: true }) : undefined,
  reference({ output: { shape }, attributes }, [x, dy]) {
    const { size, scale, power, mask } = attributes, c = shape[3];
    const s = scales(x, shape, attributes);
    const dx = dy.map((d, i) => d * s[i] ** -power);
    forEachTap(...windowAround(shape, size), (to, from) => {
      for (let i = 0; i < c; i++) {
        const at = to * c + i;
        const term = dy[at] * x[at] * s[at] ** (-power - 1);
        dx[from * c + i] -= 2 * scale / size ** 2 * power * x[from * c + i] * term;
      }
    });
    return mask ? dx.map((d, i) => x[i] <= 0 ? 0 : d) : dx;
  },
  cost: ({ output: { shape }, attributes: { size } }) => ({
    flops: sizeOf(shape) * (3 * size ** 2 + 14),
    bytes: bytesOfShapes(shape, shape, shape),
  }),
  samples: SAMPLES.flatMap(({ shape, attributes }) =>
    [false, true].map((mask) => ({
      inputs: [{ shape }, { shape }],
      attributes: { ...attributes, mask },
    }))
  ),
});

/**
 * Local response normalization within each channel of x [N, H, W, C]: y = x / (1 + scale / size^2 * sum of x^2 over
 * the size by size pixels around, as far as they lie inside the image)^power; cuda-convnet's rnorm layer.
 *
 * @throws {RangeError} if the size is no whole number of at least 1
 */
export function spatialResponseNormalization(x: Tensor, attributes: SpatialNormAttributes): Tensor {
  return normOp([x], attributes);
}
