/** The pictures: their size, their colors, and that their texts are really drawn. */
import assert from "node:assert/strict";
import { decode } from "npm:fast-png@8.0.0";
import { colorOf, RIGHT, WRONG } from "../../src/report/colors.ts";
import { confusionSvg } from "../../src/report/confusion_picture.ts";
import { mistakesSvg } from "../../src/report/mistakes_picture.ts";
import { openPainter } from "../../src/report/picture.ts";
import { fitText, svgDocument, svgText } from "../../src/report/svg.ts";
import { isCovered, systemFonts } from "../../src/report/system_fonts.ts";

const painter = await openPainter([], assert.fail);

interface Drawn {
  readonly width: number;
  readonly height: number;
  /** How many pixels have each color, `#rrggbb`. */
  readonly colors: ReadonlyMap<string, number>;
}

function drawn(svg: string): Drawn {
  const { width, height, data, channels } = decode(painter.draw(svg));
  assert.equal(channels, 4);
  const counts = new Map<number, number>();
  for (const pixel of new Uint32Array(data.buffer, data.byteOffset, width * height)) {
    counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  }
  const colors = Array.from(counts, ([pixel, count]): [string, number] => {
    const channels = [pixel, pixel >>> 8, pixel >>> 16].map((value) => value & 255);
    return [`#${channels.map((value) => value.toString(16).padStart(2, "0")).join("")}`, count];
  });
  return { width, height, colors: new Map(colors) };
}

Deno.test("letters of many scripts are drawn, each its own", () => {
  const line = (text: string) =>
    painter.draw(svgDocument(200, 30, [svgText(text, { x: 5, y: 20, size: 14 })]));
  const empty = line("");
  const texts = [
    "cat",
    "Ärger",
    "кот",
    "γάτα",
    "חתול",
    "قطة",
    "კატა",
    "a & <b> \"c\" 'd'",
    "\u0000",
  ];
  const pictures = texts.map((text) => line(text).toBase64());
  assert.equal(new Set([...pictures, empty.toBase64()]).size, texts.length + 1);
  assert.deepEqual(texts.map(isCovered), texts.map(() => true));
  assert.deepEqual(["猫", "แมว", "बिल्ली"].map(isCovered), [false, false, false]);
});

Deno.test("letters that no font has are told, those of the system included", async () => {
  const messages: string[] = [];
  await openPainter(["cat", "猫"], (message) => messages.push(message));
  const hasMore = (await systemFonts()).length > 0;
  assert.equal(messages.length, hasMore ? 0 : 1);
  assert.match(messages.join(), hasMore ? /^$/ : /^no font was found for 猫: install/);
});

Deno.test("a text is measured and shortened by whole letters", () => {
  const short = painter.width("iii", 14);
  assert.ok(short > 5 && short < painter.width("mmm", 14));
  assert.ok(painter.width("mmm", 14, true) > painter.width("mmm", 14));
  assert.equal(painter.width("", 14), 0);
  assert.equal(fitText(painter, "cat", { size: 14, most: 100 }), "cat");
  const family = "👨‍👩‍👧";
  const fitted = fitText(painter, `a rather ${family} long name of a class`, {
    size: 14,
    most: 90,
  });
  assert.match(fitted, /^a rather.*…$/u);
  assert.ok(!fitted.includes("\u200d") || fitted.includes(family), "no letter is cut in two");
  assert.ok(painter.width(fitted, 14) <= 90);
});

Deno.test("colors rise from white, blue where it is right and orange where it is not", () => {
  assert.equal(colorOf(0, RIGHT), "#ffffff");
  assert.equal(colorOf(1, RIGHT), "#08306b");
  assert.equal(colorOf(1, WRONG), "#7f2704");
  assert.equal(colorOf(2, WRONG), colorOf(1, WRONG));
});

Deno.test("a confusion matrix is colored by the shares of its rows", () => {
  const classes = ["cat", "dog", "ant"];
  const precisions = [1, 0.75, null];
  const about = "step 7";
  const matrix = [[1, 1, 0], [0, 300, 0], [0, 0, 0]];
  const { colors, width, height } = drawn(
    confusionSvg(painter, { classes, matrix, precisions, about }),
  );
  assert.ok(width > 400 && width < 1400 && height > 400 && height < 1400, `${width}x${height}`);
  // A cell is 52 units of 2 pixels, less its letters.
  const cell = 104 * 104;
  const share = (color: string) => (colors.get(color) ?? 0) / cell;
  for (const color of [colorOf(0.5, RIGHT), colorOf(0.5, WRONG), colorOf(1, RIGHT)]) {
    assert.ok(share(color) > 0.8 && share(color) < 1.3, `${color}: ${share(color)} cells`);
  }
  const more = drawn(
    confusionSvg(painter, {
      classes,
      matrix: [[1, 1, 0], [9, 300, 0], [0, 0, 0]],
      precisions,
      about,
    }),
  );
  assert.notDeepEqual(more.colors, colors);
});

Deno.test("a matrix of a thousand classes is drawn", () => {
  const classes = Array.from({ length: 1000 }, (_, i) => `class ${i}`);
  const matrix = classes.map((_, row) => classes.map((_, column) => row === column ? 2 : 0));
  const { colors } = drawn(
    confusionSvg(painter, {
      classes,
      matrix,
      precisions: classes.map(() => 1),
      about: "all right",
    }),
  );
  assert.ok((colors.get(colorOf(1, RIGHT)) ?? 0) >= 1000, "the diagonal");
});

Deno.test("mistakes show their images' own pixels", () => {
  const red = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => i % 3 === 0 ? 201 : 11);
  const mistake = {
    tile: { height: 32, width: 32, pixels: red },
    image: 12_345,
    label: "cat",
    predicted: "dog",
    probability: 0.987,
  };
  const { colors } = drawn(mistakesSvg(painter, [mistake, mistake], "step 7"));
  assert.equal(colors.get("#c90b0b"), 2 * 224 * 224);
  const { width, height } = drawn(mistakesSvg(painter, [], "step 7"));
  assert.ok(width > 100 && height > 100, "none is a picture too");
});
