/** What Pillow cannot be asked about PNG files: 16 bits, interlacing, and files that lie. */
import { encode } from "npm:fast-png@8.0.0";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { crc32, deflateSync } from "node:zlib";
import { decodeImage } from "../../../src/data/images/decode_image.ts";
import { DataError } from "../../../src/util/errors.ts";
import { testRandom } from "../../support.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** A chunk as the PNG specification has it: length, type, data, checksum over the last two. */
function chunk(type: string, data: Uint8Array | readonly number[]): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, "latin1"), Uint8Array.from(data)]);
  const bytes = Buffer.alloc(body.length + 8);
  bytes.writeUInt32BE(data.length);
  body.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(body), body.length + 4);
  return bytes;
}

interface Handmade {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colorType: number;
  readonly interlaced?: boolean;
  /** Rows with their filter bytes. */
  readonly rows: Uint8Array;
  /** Chunks before the pixel data. */
  readonly before?: readonly Uint8Array[];
}

function handmadePng(image: Handmade): Uint8Array {
  const { width, height, depth, colorType, interlaced = false, rows, before = [] } = image;
  const header = [0, 0, width >> 8, width & 255, 0, 0, height >> 8, height & 255];
  return Buffer.concat([
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", [...header, depth, colorType, 0, 0, Number(interlaced)]),
    ...before,
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", []),
  ]);
}

async function refused(bytes: Uint8Array, message: RegExp): Promise<void> {
  await assert.rejects(decodeImage(bytes, "pictures/x.png"), (error) => {
    assert.ok(error instanceof DataError, String(error));
    assert.match(error.message, /^Cannot decode pictures\/x\.png/);
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("16-bit samples of every kind are scaled, rounded and laid on white", async () => {
  const random = testRandom(3);
  const [width, height] = [7, 5];
  for (const channels of [1, 2, 3, 4]) {
    for (const interlace of ["null", "Adam7"] as const) {
      const samples = Uint16Array.from(
        { length: width * height * channels },
        () => random() * 65536,
      );
      const png = encode({ width, height, data: samples, depth: 16, channels }, { interlace });
      const { data } = await decodeImage(png, "x.png");
      for (let i = 0; i < data.length; i++) {
        const [start, color] = [Math.floor(i / 3) * channels, channels > 2 ? i % 3 : 0];
        const value = samples[start + color] / 65535;
        const alpha = channels % 2 === 0 ? samples[start + channels - 1] / 65535 : 1;
        const expected = (value * alpha + 1 - alpha) * 255;
        assert.ok(Math.abs(data[i] - expected) <= 0.5 + 1e-9, `${channels} ${interlace} ${i}`);
      }
    }
  }
});

Deno.test("an interlaced image has the pixels of the plain one", async () => {
  const random = testRandom(4);
  for (const [width, height] of [[1, 1], [3, 2], [9, 17]]) {
    const data = Uint8Array.from({ length: width * height * 3 }, () => random() * 256);
    const png = encode({ width, height, data, depth: 8, channels: 3 }, { interlace: "Adam7" });
    assert.deepEqual(new Uint8Array((await decodeImage(png, "x.png")).data), data);
  }
});

Deno.test("gray of 1, 2 and 4 bits spreads over 0 to 255", async () => {
  const cases: [depth: number, byte: number, gray: number[]][] = [
    [1, 0b10110000, [255, 0, 255, 255]],
    [2, 0b00011011, [0, 85, 170, 255]],
    [4, 0x0f, [0, 255]],
  ];
  for (const [depth, byte, gray] of cases) {
    const rows = Uint8Array.of(0, byte);
    const png = handmadePng({ width: gray.length, height: 1, depth, colorType: 0, rows });
    const { data } = await decodeImage(png, "x.png");
    assert.deepEqual([...data], gray.flatMap((value) => [value, value, value]));
  }
});

Deno.test("what the decoder would misread is refused: interlaced pixels below 8 bits", async () => {
  const rows = Uint8Array.of(0, 0x80);
  const png = handmadePng({ width: 1, height: 1, depth: 1, colorType: 0, interlaced: true, rows });
  await refused(png, /8 or 16 bits in an interlaced PNG, found 1/);
});

Deno.test("an index beyond the palette is refused", async () => {
  const palette = chunk("PLTE", [1, 2, 3, 4, 5, 6]);
  const image = { width: 2, height: 1, depth: 8, colorType: 3, before: [palette] };
  const right = await decodeImage(handmadePng({ ...image, rows: Uint8Array.of(0, 1, 0) }), "x.png");
  assert.deepEqual([...right.data], [4, 5, 6, 1, 2, 3]);
  await refused(handmadePng({ ...image, rows: Uint8Array.of(0, 1, 2) }), /color below 2, found 2/);
});

Deno.test("a small file that unpacks to 400 MB is refused before it fills the memory", async () => {
  const rows = new Uint8Array(400e6);
  const bomb = handmadePng({ width: 2, height: 2, depth: 8, colorType: 2, rows });
  assert.ok(bomb.length < 1e6);
  const before = Deno.memoryUsage();
  const start = performance.now();
  await refused(bomb, /expected 14 bytes for 2x2 pixels, found more/);
  assert.ok(performance.now() - start < 200);
  const after = Deno.memoryUsage();
  assert.ok(after.external - before.external < 50e6);
  // Held until here, so that what is freed of it does not hide what was taken.
  assert.equal(rows.length, 400e6);
});

Deno.test("damage in what says nothing of pixels does not matter", async () => {
  const rows = Uint8Array.of(0, 10, 20, 30);
  const text = chunk("tEXt", [0xff, 0xff]);
  const profile = chunk("iCCP", [65, 0, 0, 1, 2, 3]);
  const before = [text, profile];
  const png = handmadePng({ width: 1, height: 1, depth: 8, colorType: 2, rows, before });
  assert.deepEqual([...(await decodeImage(png, "x.png")).data], [10, 20, 30]);
});

Deno.test("a wrong checksum of pixels is refused", async () => {
  const rows = Uint8Array.of(0, 10, 20, 30);
  const png = handmadePng({ width: 1, height: 1, depth: 8, colorType: 2, rows });
  png[png.length - 12 - 4] ^= 1;
  await refused(png, /CRC mismatch for chunk IDAT/);
});
