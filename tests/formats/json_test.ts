import assert from "node:assert/strict";
import { duplicateKey } from "../../src/formats/json.ts";

Deno.test("a key that an object has twice is found at any depth", () => {
  assert.equal(duplicateKey('{"a":1,"b":2,"a":3}'), "a");
  assert.equal(duplicateKey('{"x":{"y":[{"k":1,"k":1}]}}'), "k");
  assert.equal(duplicateKey('{ "a" : 1 , "\\u0061" : 2 }'), "a");
  assert.equal(duplicateKey('{"":1,"":2}'), "");
  assert.equal(duplicateKey('{"q\\"{,":1,"q\\"{,":2}'), 'q"{,');
});

Deno.test("equal keys of different objects and equal values are no duplicates", () => {
  for (
    const text of [
      "{}",
      "1",
      '"a"',
      '{"a":"a","b":"a"}',
      '{"a":{"a":{"a":1}},"b":{"a":1}}',
      '[{"a":1},{"a":1}]',
      '{"a":["a","a"],"b":["a","a"]}',
      '{"a":"\\\\","b":"\\",\\"a\\":"}',
      '{"a":[{"b":1},"b"],"b":2}',
    ]
  ) {
    JSON.parse(text);
    assert.equal(duplicateKey(text), undefined, text);
  }
});
