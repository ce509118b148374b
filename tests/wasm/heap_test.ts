/** Blocks never overlap, are aligned, and freed ones are joined and used again. */
import assert from "node:assert/strict";
import { alignUp, Heap } from "../../src/wasm/heap.ts";
import { testRandom } from "../support.ts";

Deno.test("live blocks never overlap, whatever the order of allocating and freeing", () => {
  const random = testRandom(1);
  const heap = new Heap(128);
  const live: { start: number; size: number }[] = [];
  for (let step = 0; step < 2000; step++) {
    if (random() < 0.55 || live.length === 0) {
      const size = 1 + Math.floor(random() * 1000);
      const promised = heap.endAfter(size);
      const start = heap.allocate(size);
      assert.equal(start % 64, 0);
      assert.ok(start >= 128 && start + alignUp(size) <= heap.end);
      assert.equal(heap.end, promised);
      for (const other of live) {
        const apart = start + alignUp(size) <= other.start || other.start + other.size <= start;
        assert.ok(apart, `block at ${start} overlaps the one at ${other.start}`);
      }
      live.push({ start, size: alignUp(size) });
    } else {
      const [block] = live.splice(Math.floor(random() * live.length), 1);
      heap.release(block.start);
    }
  }
  for (const { start } of live) heap.release(start);
  assert.equal(heap.allocate(heap.end - 128), 128, "all free blocks must have been joined");
});

Deno.test("a freed block is used again and cannot be freed twice", () => {
  const heap = new Heap(0);
  const first = heap.allocate(100);
  heap.allocate(100);
  const end = heap.end;
  heap.release(first);
  assert.throws(() => heap.release(first), /was not allocated/);
  assert.equal(heap.allocate(70), first);
  assert.equal(heap.end, end);
});
