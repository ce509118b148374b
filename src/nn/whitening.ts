import { symmetricEigen } from "../util/symmetric_eigen.ts";
import type { ImageInitializer, ImageSample } from "./initializers.ts";

const CHANNELS = 3;

/**
 * Filters [size, size, 3, 2 size size 3] that make patches of images uncorrelated, each with variance
 * lambda / (lambda + epsilon), lambda what the patches have in that direction: the eigenvectors of their second
 * moments, e / sqrt(lambda + epsilon), largest first, then the negatives of all, so that a rectifier behind them
 * loses nothing (T. Balsam, hlb-CIFAR10, 2023; K. Jordan, "94% on CIFAR-10 in 3.29 seconds", 2024).
 *
 * @param size height and width of a patch, pixels
 */
export function whiteningFilters(size: number, epsilon: number): ImageInitializer {
  return (images) => {
    const { values, vectors } = symmetricEigen(patchMoments(images, size), size * size * CHANNELS);
    const count = vectors.length;
    const filters = new Float32Array(count * 2 * count);
    vectors.forEach((vector, o) => {
      // Rounding may leave an eigenvalue of 0 below it.
      const scale = 1 / Math.sqrt(Math.max(values[o], 0) + epsilon);
      vector.forEach((x, place) => {
        filters[place * 2 * count + o] = x * scale;
        filters[place * 2 * count + count + o] = -x * scale;
      });
    });
    return filters;
  };
}

/** Mean products of the values of all patches [size, size, 3], each with each: [K, K], the upper triangle. */
function patchMoments(images: ImageSample, size: number): Float64Array {
  const { count, height, width } = images;
  const k = size * size * CHANNELS;
  const sums = new Float64Array(k * k);
  const patch = new Float64Array(k);
  const line = size * CHANNELS;
  for (let i = 0; i < count; i++) {
    const image = images.at(i);
    for (let y = 0; y + size <= height; y++) {
      for (let x = 0; x + size <= width; x++) {
        for (let row = 0; row < size; row++) {
          const from = ((y + row) * width + x) * CHANNELS;
          for (let j = 0; j < line; j++) patch[row * line + j] = image[from + j];
        }
        for (let a = 0; a < k; a++) {
          const value = patch[a];
          for (let b = a; b < k; b++) sums[a * k + b] += value * patch[b];
        }
      }
    }
  }
  const patches = count * (height - size + 1) * (width - size + 1);
  return sums.map((sum) => sum / patches);
}
