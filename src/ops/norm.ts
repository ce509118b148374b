import { foldGrid, input, output } from "../engine/launch.ts";
import { defineOp } from "../tensor/op.ts";
import { sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, checkRank, checkTrips, rolledTrips } from "./check.ts";

const standardize = defineOp<Record<string, never>>({
  name: "standardize_images",
  shape([x, ...rest]) {
    checkInputs("standardize_images", [x, ...rest], ["f32"]);
    return { shape: checkRank("standardize_images", "the images", x, 4) };
  },
  launches: {
    webgpu({ output: { shape }, kind }) {
      const images = shape[0];
      // Three passes of 64 invocations an image, and two sums of their 64 parts.
      const pass = rolledTrips(Math.ceil(sizeOf(shape) / images / 64));
      checkTrips("standardize_images", 3 * pass + 2 * rolledTrips(64), kind, shape);
      return {
        launches: [launch("standardize", {
          buffers: { x: input(0), y: output },
          params: { images, length: sizeOf(shape) / images },
          grid: foldGrid(images),
        })],
      };
    },
    wasm: ({ output: { shape } }) => ({
      launches: [launchWasm("standardize", {
        buffers: { x: input(0), y: output },
        params: { length: sizeOf(shape) / shape[0] },
        units: shape[0],
      })],
    }),
  },
  reference({ output: { shape } }, [x]) {
    const length = sizeOf(shape) / shape[0];
    const y = new Float64Array(x.length);
    for (let start = 0; start < x.length; start += length) {
      const image = x.subarray(start, start + length);
      const mean = image.reduce((a, b) => a + b, 0) / length;
      const variance = image.reduce((a, b) => a + (b - mean) ** 2, 0) / length;
      const scale = 1 / Math.max(Math.sqrt(variance), 1 / Math.sqrt(length));
      y.set(image.map((v) => (v - mean) * scale), start);
    }
    return y;
  },
  cost: ({ output: { shape } }) => ({
    flops: 6 * sizeOf(shape),
    bytes: bytesOfShapes(shape, shape),
  }),
  samples: [[1, 1, 1, 1], [3, 24, 24, 3], [5, 7, 3, 2]].map((shape) => ({
    inputs: [{ shape }],
    attributes: {},
  })),
});

/**
 * Each image of x [N, H, W, C] minus its mean, divided by max(its standard deviation, 1 / sqrt(H W C))
 * (TensorFlow's per_image_standardization).
 */
export function standardizeImages(x: Tensor): Tensor {
  return standardize([x], {});
}
