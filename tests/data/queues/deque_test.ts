import assert from "node:assert/strict";
import { Deque } from "../../../src/data/queues/deque.ts";
import { RandomStream, STREAMS } from "../../../src/util/random.ts";

Deno.test("a deque does what an array does, through growth, wrap-around and removals", () => {
  const random = new RandomStream(1, STREAMS.test).seek(0);
  const deque = new Deque<number>();
  const array: number[] = [];
  let longest = 0;
  for (let i = 0; i < 4000; i++) {
    // It grows in the first half and shrinks in the second, with its start anywhere in the ring.
    const growing = random.uniformInt(100) < (i < 2000 ? 60 : 40);
    if (growing && random.uniformInt(2) === 0) {
      deque.pushBack(i);
      array.push(i);
    } else if (growing) {
      deque.pushFront(i);
      array.unshift(i);
    } else {
      assert.equal(deque.popFront(), array.shift());
    }
    if (i % 7 === 0) {
      const item = random.uniformInt(i + 1);
      const index = array.indexOf(item);
      assert.equal(deque.remove(item), index >= 0);
      if (index >= 0) array.splice(index, 1);
    }
    assert.deepEqual([deque.length, deque.front], [array.length, array[0]]);
    longest = Math.max(longest, array.length);
  }
  assert.ok(longest > 64, `the ring grew more than once: ${longest}`);
  while (array.length > 0) assert.equal(deque.popFront(), array.shift());
  assert.deepEqual([deque.popFront(), deque.front, deque.length], [undefined, undefined, 0]);
});
