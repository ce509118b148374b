// Images of the same content under several names.

import type { AcquireReporter } from "../acquire/progress.ts";
import type { ImageFile, ImageFolder } from "./folder_content.ts";

const PAIRS_SHOWN = 5;

/** How many images are in their class under another name already. */
export function countRepeated({ images }: ImageFolder): number {
  const places = new Set(images.map(({ label, sha256 }) => `${label} ${sha256}`));
  return images.length - places.size;
}

/** Warns of images that are in two classes, each once a class. */
export function reportDuplicates({ images }: ImageFolder, reporter: AcquireReporter): void {
  const first = new Map<string, ImageFile>();
  const seen = new Set<string>();
  const pairs: Pair[] = [];
  for (const image of images) {
    const place = `${image.label} ${image.sha256}`;
    const other = first.get(image.sha256);
    if (other === undefined) first.set(image.sha256, image);
    else if (!seen.has(place)) pairs.push([other, image]);
    seen.add(place);
  }
  warn("the same image is in two classes", pairs, reporter);
}

/** Warns of test images that are in the training part too, in whatever class. */
export function reportOverlap(
  train: ImageFolder,
  test: ImageFolder,
  reporter: AcquireReporter,
): void {
  const inTrain = new Map(train.images.map((image) => [image.sha256, image]));
  const pairs = test.images.flatMap((image): Pair[] => {
    const other = inTrain.get(image.sha256);
    return other === undefined ? [] : [[image, other]];
  });
  warn("a test image is among the training images", pairs, reporter);
}

type Pair = readonly [ImageFile, ImageFile];

function warn(what: string, pairs: readonly Pair[], reporter: AcquireReporter): void {
  for (const [one, other] of pairs.slice(0, PAIRS_SHOWN)) {
    reporter.message(`data: warning: ${what}: ${one.path} and ${other.path}`);
  }
  const more = pairs.length - PAIRS_SHOWN;
  if (more > 0) reporter.message(`data: warning: ${what}: ${more} more`);
}
