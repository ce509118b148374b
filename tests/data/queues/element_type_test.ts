/** Queues of tuples with declared components. */
import assert from "node:assert/strict";
import { type Components, tuple } from "../../../src/data/queues/element_type.ts";
import { InvalidArgumentError } from "../../../src/data/queues/errors.ts";
import { FIFOQueue } from "../../../src/data/queues/fifo_queue.ts";
import { RandomShuffleQueue } from "../../../src/data/queues/random_shuffle_queue.ts";

const EXAMPLE = tuple({
  image: { dtype: "u8", shape: [2, 2] },
  label: { dtype: "i32", shape: [] },
  key: { dtype: "string", shape: [] },
  words: { dtype: "string", shape: [2] },
});

const examples = () => new FIFOQueue({ name: "examples", capacity: 8, components: EXAMPLE });

const example = (i: number) => ({
  image: Uint8Array.of(i, i + 1, i + 2, i + 3),
  label: -i,
  key: `file:${i}`,
  words: ["a", `b${i}`],
});

Deno.test("dequeueMany stacks each component along a new first axis", async () => {
  const queue = examples();
  for (const i of [1, 5]) await queue.enqueue(example(i));
  const { image, label, key, words } = await queue.dequeueMany(2);
  assert.deepEqual(image, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  assert.deepEqual(label, Int32Array.of(-1, -5));
  assert.deepEqual(key, ["file:1", "file:5"]);
  assert.deepEqual(words, ["a", "b1", "a", "b5"]);
});

Deno.test("enqueueMany takes elements, or a batch as dequeueMany gives it", async () => {
  const queue = examples();
  await queue.enqueueMany([example(1), example(2), example(3)]);
  await queue.enqueueMany(await queue.dequeueMany(3));
  assert.equal(queue.size, 3);
  for (const i of [1, 2, 3]) assert.deepEqual(await queue.dequeue(), example(i));
});

Deno.test("a batch of none has an empty array a component, and enqueues nothing", async () => {
  const queue = examples();
  const none = await queue.dequeueMany(0);
  assert.deepEqual(none, {
    image: new Uint8Array(0),
    label: new Int32Array(0),
    key: [],
    words: [],
  });
  await queue.enqueueMany(none);
  assert.equal(queue.size, 0);
});

Deno.test("a shuffle queue keeps the components of an element together", async () => {
  const components = tuple({ a: { dtype: "u32", shape: [] }, b: { dtype: "f32", shape: [1] } });
  const queue = new RandomShuffleQueue({ name: "pairs", capacity: 50, components, seed: 3 });
  for (let i = 0; i < 50; i++) queue.tryEnqueue({ a: i, b: Float32Array.of(i / 2) });
  const { a, b } = await queue.dequeueMany(50);
  assert.deepEqual([...b], [...a].map((value) => value / 2));
});

const WRONG: readonly [string, unknown, RegExp][] = [
  [
    "a component too few",
    { image: new Uint8Array(4), label: 1, key: "" },
    /expected components image, label, key, words, found image, label, key$/,
  ],
  ["a component too many", { ...example(1), more: 1 }, /found image, label, key, words, more$/],
  ["no tuple", 5, /expected components .*, found none$/],
  [
    "another type of array",
    { ...example(1), image: new Int8Array(4) },
    /component "image": expected u8, found i8$/,
  ],
  [
    "a number for a string",
    { ...example(1), key: 1 },
    /component "key": expected string, found number$/,
  ],
  [
    "a string for a number",
    { ...example(1), label: "1" },
    /component "label": expected i32, found string$/,
  ],
  [
    "a fraction for an integer",
    { ...example(1), label: 1.5 },
    /component "label": expected i32, found the number 1.5$/,
  ],
  ["an integer out of range", { ...example(1), label: 2 ** 31 }, /found the number 2147483648$/],
  [
    "an array that is too short",
    { ...example(1), image: new Uint8Array(3) },
    /component "image": expected shape \[2, 2\], found 3 values$/,
  ],
  [
    "a single value for an array",
    { ...example(1), image: 1 },
    /expected shape \[2, 2\], found a single value$/,
  ],
  [
    "an array for a single value",
    { ...example(1), label: new Int32Array(1) },
    /component "label": expected shape \[\], found 1 values$/,
  ],
  [
    "an array of something else",
    { ...example(1), words: ["a", 1] },
    /component "words": expected string, found array$/,
  ],
  ["null", { ...example(1), words: null }, /component "words": expected string, found null$/],
];

Deno.test("an element of the wrong tuple size, type or shape is an invalid argument", async () => {
  for (const [what, element, message] of WRONG) {
    const queue = examples();
    const wrong = element as ReturnType<typeof example>;
    for (const call of [() => queue.enqueue(wrong), () => queue.enqueueMany([example(1), wrong])]) {
      await assert.rejects(call(), (error) => {
        assert.ok(error instanceof InvalidArgumentError, what);
        assert.match(error.message, /^Cannot enqueue an element into FIFOQueue "examples" as/);
        assert.match(error.message, message, what);
        return true;
      });
    }
    assert.throws(() => queue.tryEnqueue(wrong), message);
    assert.equal(queue.size, 0);
  }
});

Deno.test("a batch whose components differ in their first size is an invalid argument", async () => {
  const queue = examples();
  await queue.enqueueMany([example(1), example(2)]);
  const batch = await queue.dequeueMany(2);
  const call = (wrong: object) => queue.enqueueMany({ ...batch, ...wrong });
  await assert.rejects(call({ label: new Int32Array(3) }), {
    name: "InvalidArgumentError",
    message:
      'Cannot enqueue a batch into FIFOQueue "examples" as it is not as declared: component "label": expected shape [2], found 3 values',
  });
  await assert.rejects(call({ image: new Uint8Array(9) }), /expected shape \[2, 2, 2\], found 9/);
  await assert.rejects(
    call({ image: undefined }),
    /component "image": expected u8, found undefined/,
  );
  await assert.rejects(call({ more: [] }), /expected components/);
  assert.equal(queue.size, 0);
});

Deno.test("without declared shapes, elements pass in any shape but cannot be stacked", async () => {
  const components = tuple({ bytes: { dtype: "u8" }, label: { dtype: "i32", shape: [] } });
  const queue = new FIFOQueue({ name: "raw", capacity: 4, components });
  await queue.enqueueMany([{ bytes: new Uint8Array(3), label: 1 }, { bytes: 7, label: 2 }]);
  for (
    const call of [
      () => queue.dequeueMany(1),
      () => queue.dequeueUpTo(1),
      () => queue.dequeueMany(0),
    ]
  ) {
    await assert.rejects(call(), {
      name: "InvalidArgumentError",
      message:
        /from FIFOQueue "raw" as component "bytes" has no declared shape: requested [01], current size 2/,
    });
  }
  await assert.rejects(
    queue.enqueue({ bytes: new Float32Array(1) as never, label: 1 }),
    InvalidArgumentError,
  );
  assert.equal((await queue.dequeue()).label, 1);
  assert.equal((await queue.dequeue()).bytes, 7);
});

Deno.test("a declaration without components, of an unknown type or with a wrong size is refused", () => {
  const wrong = [{}, { a: { dtype: "u7" } }, { a: { dtype: "u8", shape: [-1] } }, {
    a: { dtype: "u8", shape: [1.5] },
  }];
  for (const components of wrong) {
    assert.throws(() => tuple(components as Components), InvalidArgumentError);
  }
});

Deno.test("the types of elements and batches follow from the declaration", async () => {
  const queue = examples();
  await queue.enqueue(example(1));
  // @ts-expect-error a label is one number
  await assert.rejects(queue.enqueue({ ...example(1), label: new Int32Array(1) }));
  const batch: { image: Uint8Array; label: Int32Array; key: readonly string[] } = await queue
    .dequeueMany(1);
  assert.equal(batch.label[0], -1);
  const open = new FIFOQueue({
    name: "raw",
    capacity: 1,
    components: tuple({ a: { dtype: "u8" } }),
  });
  const never: Promise<never> = open.dequeueMany(1);
  await assert.rejects(never, InvalidArgumentError);
});
