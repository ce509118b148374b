import assert from "node:assert/strict";
import { checkAugment } from "../../../src/data/augment/check.ts";
import { type AugmentSpec, REFERENCE_AUGMENT } from "../../../src/data/augment/spec.ts";
import { ConfigError } from "../../../src/util/errors.ts";
import { CIFAR, FORMATS } from "./support.ts";

function refused(change: Partial<AugmentSpec>, format = CIFAR): string {
  let text = "";
  assert.throws(() => checkAugment({ ...REFERENCE_AUGMENT, ...change }, format), (error) => {
    assert.ok(error instanceof ConfigError);
    text = `${error.message}\n${error.hint}`;
    return true;
  });
  return text;
}

function accepted(change: Partial<AugmentSpec>, format = CIFAR): void {
  checkAugment({ ...REFERENCE_AUGMENT, ...change }, format);
}

Deno.test("the reference recipe and the limits of every number are accepted", () => {
  accepted({});
  accepted({ crop: [32, 32] });
  accepted({ crop: [40, 40], pad: 4 });
  accepted({ crop: [1, 1], cutout: 1 });
  accepted({ pad: 31, padMode: "reflect" });
  accepted({ pad: 100 });
  accepted({
    cutout: 24,
    hue: 0.5,
    saturation: 1,
    contrast: 1,
    brightness: 255,
    mixup: 9,
    cutmix: 9,
  });
  accepted({ normalization: { kind: "channel", mean: [0, 0, 0], deviation: [1, 1, 1e-3] } });
});

Deno.test("a crop larger than the padded image is refused, with the padding that it needs", () => {
  assert.equal(
    refused({ crop: [41, 41], pad: 4 }),
    "Cannot crop 41x41 out of images of 32x32 padded by 4: expected a crop of at most 40x40, found 41x41\n" +
      "give --pad 5, or an --image-size of at most 40",
  );
  assert.match(refused({ crop: [30, 30] }, FORMATS["27x35 planes"]), /at most 27x35.*\n.*--pad 2,/);
  accepted({ crop: [30, 30], pad: 2 }, FORMATS["27x35 planes"]);
});

Deno.test("mirrored padding as wide as the image is refused", () => {
  assert.match(
    refused({ pad: 32, padMode: "reflect" }),
    /at most 31, found 32\ngive --pad 31 or less, or --pad-mode zero$/,
  );
  assert.match(refused({ pad: 27, padMode: "reflect" }, FORMATS["27x35 planes"]), /at most 26/);
});

Deno.test("a cutout larger than the crop is refused", () => {
  assert.match(
    refused({ crop: [20, 30], cutout: 21 }),
    /squares of 21 pixels out of crops of 20x30.*at most 20, found 21\ngive --cutout 20 or less/,
  );
});

Deno.test("numbers out of their ranges are refused by the name of their flag", () => {
  assert.equal(
    refused({ hue: 0.6 }),
    "--hue must be a number from 0 to 0.5: found 0.6\n--hue 0 turns it off",
  );
  assert.match(refused({ pad: -1 }), /^--pad must be a whole number of at least 0: found -1/);
  assert.match(refused({ pad: 1.5 }), /^--pad must be a whole number/);
  assert.match(refused({ cutout: 2.5 }), /^--cutout must be a whole number/);
  assert.match(refused({ saturation: 1.1 }), /^--saturation must be a number from 0 to 1:/);
  assert.match(refused({ contrast: 1.1 }), /^--contrast must be a number from 0 to 1:/);
  assert.match(
    refused({ brightness: NaN }),
    /^--brightness must be a number from 0 to 255: found NaN/,
  );
  assert.match(
    refused({ mixup: Infinity }),
    /^--mixup must be a number of at least 0: found Infinity/,
  );
  assert.match(refused({ cutmix: -0.1 }), /^--cutmix must be a number of at least 0/);
  assert.match(refused({ crop: [0, 0] }), /^--image-size must be a whole number of at least 1/);
  assert.match(refused({ crop: [2.5, 2.5] }), /^--image-size must be a whole number/);
});

Deno.test("a channel without deviation is refused", () => {
  const normalization = { kind: "channel", mean: [0, 0, 0], deviation: [60, 0, 60] } as const;
  assert.match(refused({ normalization }), /each deviation must be above 0.*found 60, 0, 60/);
});
