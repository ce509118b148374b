import type { Sample } from "../tensor/op.ts";
import type { AugmentAttributes } from "./augment.ts";
import { AUGMENT, AUGMENT_LENGTH, MIX, MIX_LENGTH } from "./augment_row.ts";

/** What a sample's row sets; the rest changes nothing. */
type Change = Partial<Record<keyof typeof AUGMENT, number>>;

interface AugmentCase {
  /** One an image of the batch. */
  readonly changes: readonly Change[];
  /** Images in the set; default 3. */
  readonly count?: number;
  readonly attributes?: Partial<AugmentAttributes>;
}

const DEFAULTS: AugmentAttributes = {
  crop: [5, 4],
  height: 8,
  width: 6,
  strides: { row: 6, column: 1, channel: 48 },
  imageWords: 36,
  imagesPerBlock: 100,
  padMode: "zero",
  color: false,
  normalization: { kind: "image" },
};

const CHANNELS = {
  kind: "channel",
  mean: [125.3, 123, 113.9],
  deviation: [63, 62.1, 66.7],
} as const;

const COLORED: Change = { top: 2, left: 1, saturation: 1.6, hue: 0.15, contrast: 0.7 };

function augmentSample({ changes, count = 3, attributes }: AugmentCase): Sample<AugmentAttributes> {
  const all = { ...DEFAULTS, ...attributes };
  const { imageWords, imagesPerBlock } = all;
  const blocks = Array.from({ length: Math.ceil(count / imagesPerBlock) }, (_, i) => ({
    shape: [Math.min(imagesPerBlock, count - i * imagesPerBlock) * imageWords],
    fill: { below: 2 ** 32 },
  }));
  const rows = changes.flatMap((change) => {
    const row = new Array<number>(AUGMENT_LENGTH).fill(0);
    row[AUGMENT.saturation] = row[AUGMENT.contrast] = 1;
    for (const [name, value] of Object.entries(change)) row[AUGMENT[name as keyof Change]] = value;
    return row;
  });
  return {
    inputs: [
      { shape: [changes.length], fill: { below: count } },
      { shape: [changes.length, AUGMENT_LENGTH], fill: { values: rows } },
      ...blocks,
    ],
    attributes: all,
  };
}

const AUGMENT_CASES: readonly AugmentCase[] = [
  { changes: [{}], count: 1 },
  // One pixel: every deviation is that of the channels.
  { changes: [{ top: 7, left: 5 }], attributes: { crop: [1, 1] } },
  { changes: [{ flip: 1, top: 3 }, { left: 2, contrast: 0.2, brightness: 63 }, { contrast: 1.8 }] },
  // Three blocks, the last of one image.
  {
    changes: [{}, { flip: 1 }, { top: 1 }, { top: 2 }, { top: 3 }, { left: 1 }, { left: 2 }],
    count: 7,
    attributes: { imagesPerBlock: 3 },
  },
  // Gray, of an odd number of bytes.
  {
    changes: [{ top: -1, left: 1, contrast: 1.2 }, { flip: 1, top: 3 }],
    attributes: {
      height: 7,
      width: 5,
      strides: { row: 5, column: 1, channel: 0 },
      imageWords: 9,
    },
  },
  // Interleaved, of an odd number of bytes, larger crop than image.
  {
    changes: [{ top: -2, left: -3 }, { flip: 1, top: -4, left: -1 }],
    attributes: {
      crop: [9, 11],
      height: 7,
      width: 5,
      strides: { row: 15, column: 3, channel: 1 },
      imageWords: 27,
    },
  },
  // Mirrored further than the image is wide.
  {
    changes: [{ top: -9, left: -14 }, { flip: 1, top: 6, left: 5 }, { top: -4, left: 3 }],
    attributes: { crop: [17, 13], padMode: "reflect" },
  },
  // An image of one row has nothing to mirror.
  {
    changes: [{ top: -2, left: -1 }],
    attributes: { height: 1, padMode: "reflect", strides: { row: 6, column: 1, channel: 6 } },
  },
  // Every sixth of the circle, and the ends of saturation.
  {
    changes: [
      COLORED,
      { ...COLORED, saturation: 0, flip: 1 },
      { hue: -0.5 },
      { hue: 0.5 },
      { hue: 1 / 3, brightness: -20, top: -2 },
      { hue: -0.2, saturation: 2 },
    ],
    attributes: { color: true },
  },
  {
    changes: [COLORED, { brightness: 30, contrast: 1.5, left: -1 }],
    attributes: { color: true, normalization: CHANNELS },
  },
  { changes: [{ brightness: -63.5, contrast: 0.2 }], attributes: { normalization: CHANNELS } },
  // Squares across each edge, within, and over all.
  {
    changes: [
      { cutoutTop: -2, cutoutLeft: 2, cutoutSize: 4 },
      { cutoutTop: 3, cutoutLeft: -3, cutoutSize: 4 },
      { cutoutTop: 1, cutoutLeft: 1, cutoutSize: 1 },
      { cutoutTop: 9, cutoutLeft: -9, cutoutSize: 3 },
      { cutoutTop: -5, cutoutLeft: -5, cutoutSize: 20 },
    ],
  },
  {
    changes: [{ ...COLORED, cutoutTop: 4, cutoutLeft: 20, cutoutSize: 8 }, { top: 8, flip: 1 }],
    attributes: {
      crop: [24, 24],
      height: 32,
      width: 32,
      strides: { row: 32, column: 1, channel: 1024 },
      imageWords: 768,
      color: true,
    },
  },
];

export const AUGMENT_SAMPLES = AUGMENT_CASES.map(augmentSample);

function mixSample(shape: readonly number[], change: Partial<Record<keyof typeof MIX, number>>) {
  const numbers = new Array<number>(MIX_LENGTH).fill(0);
  for (const [name, value] of Object.entries(change)) {
    numbers[MIX[name as keyof typeof MIX]] = value;
  }
  return {
    inputs: [{ shape }, { shape: [MIX_LENGTH], fill: { values: numbers } }],
    attributes: {},
  };
}

export const MIX_SAMPLES: readonly Sample<Record<string, never>>[] = [
  mixSample([1, 3, 5, 3], { share: 0.25 }),
  mixSample([3, 5, 7, 3], { share: 0.3 }),
  mixSample([4, 5, 7, 3], { share: 1, top: 1, left: 2, bottom: 4, right: 7 }),
  mixSample([5, 4, 3, 1], { share: 0.75, top: 0, left: 0, bottom: 4, right: 3 }),
  // Nothing is in an empty box, nor in one whose edges are exchanged.
  mixSample([2, 4, 4, 2], { share: 1, top: 3, left: 1, bottom: 3, right: 4 }),
  mixSample([2, 4, 4, 3], { share: 0.5, top: 0, left: 3, bottom: 4, right: 1 }),
  mixSample([2, 24, 24, 3], { share: 1, top: -2, left: 5, bottom: 30, right: 23 }),
];
