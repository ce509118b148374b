import { type ImageStore, imageStrides } from "./image_store.ts";

/** Mean and standard deviation of each channel over all pixels, 0 to 255. */
export interface ChannelStatistics {
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** Images that are looked at, evenly spread, of a set with more. */
const MOST_IMAGES = 50_000;

/** The statistics of a set of images, for `--normalize channel`. A constant channel has deviation 1. */
export function channelStatistics(store: ImageStore): ChannelStatistics {
  const { height, width } = store.format;
  const { row, column, channel } = imageStrides(store.format);
  const images = Math.min(store.count, MOST_IMAGES);
  const sums = [0, 0, 0];
  const squares = [0, 0, 0];
  for (let image = 0; image < images; image++) {
    const pixels = store.pixels(Math.floor(image * store.count / images));
    for (let c = 0; c < 3; c++) {
      // Whole numbers: exact as long as they stay below 2^53.
      let [sum, square] = [0, 0];
      for (let y = 0; y < height; y++) {
        for (let x = 0, at = y * row + c * channel; x < width; x++, at += column) {
          const value = pixels[at];
          sum += value;
          square += value * value;
        }
      }
      sums[c] += sum;
      squares[c] += square;
    }
  }
  const count = images * height * width;
  const of = (c: number) => {
    const mean = sums[c] / count;
    const deviation = Math.sqrt(Math.max(squares[c] / count - mean * mean, 0));
    return { mean, deviation: deviation === 0 ? 1 : deviation };
  };
  const [red, green, blue] = [of(0), of(1), of(2)];
  return {
    mean: [red.mean, green.mean, blue.mean],
    deviation: [red.deviation, green.deviation, blue.deviation],
  };
}
