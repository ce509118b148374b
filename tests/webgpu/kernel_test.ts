/** What a launch is given is checked against the shader: names and types by the compiler, numbers when it is made. */
import assert from "node:assert/strict";
import { foldGrid, input, MAX_GRID, output } from "../../src/engine/launch.ts";
import { type KernelArguments, launch } from "../../src/webgpu/kernel.ts";

const GOOD: KernelArguments<"affine"> = {
  buffers: { x: input(0), y: output },
  params: { length: 4, factor: 0.5, offset: -1 },
  grid: [1, 1, 1],
};

Deno.test("a launch packs its params and orders its buffers as the shader declares them", () => {
  const made = launch("affine", {
    ...GOOD,
    buffers: { y: output, x: input(0) },
    lines: { WORKGROUP: 64 },
    aliases: { elem: "vec4f" },
  });
  assert.deepEqual(made.buffers, [input(0), output]);
  assert.deepEqual(made.access, ["read", "read_write"]);
  assert.deepEqual(made.lines, { WORKGROUP: 64, elem: "vec4f" });
  const view = new DataView(made.params.buffer);
  assert.deepEqual(
    [view.getUint32(0, true), view.getFloat32(4, true), view.getFloat32(8, true)],
    [4, 0.5, -1],
  );
});

Deno.test("integers that are not whole or out of range are refused", () => {
  const wrong: [Partial<KernelArguments<"affine">>, RegExp][] = [
    [{ params: { ...GOOD.params, length: 1.5 } }, /affine param length .* u32: .* 1\.5/],
    [{ params: { ...GOOD.params, length: -1 } }, /param length/],
    [{ params: { ...GOOD.params, length: 2 ** 32 } }, /param length/],
    [{ params: { ...GOOD.params, length: NaN } }, /param length .* must be a number/],
    [{ params: { ...GOOD.params, factor: NaN } }, /param factor .* must be a number/],
    [{ lines: { WORKGROUP: 2.5 } }, /affine const WORKGROUP/],
    [{ grid: [1.5, 1, 1] }, /affine grid/],
    [{ grid: [1, -1, 1] }, /affine grid/],
    [{ grid: [1, 1, MAX_GRID + 1] }, /exceeds 65535/],
  ];
  for (const [change, message] of wrong) {
    assert.throws(() => launch("affine", { ...GOOD, ...change }), (error: Error) => {
      assert.ok(error instanceof RangeError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  const params = { ...GOOD.params, length: 2 ** 32 - 1 };
  assert.equal(
    new DataView(launch("affine", { ...GOOD, params }).params.buffer).getUint32(0, true),
    2 ** 32 - 1,
  );
});

Deno.test("an override that is not a whole number is refused, though WebGPU would take it", () => {
  const pool = (KH: number) =>
    launch("avg_pool2d", {
      buffers: { x: input(0), y: output },
      overrides: { KH, KW: 2, STRIDE_H: 2, STRIDE_W: 2, GRADIENT: false },
      params: { length: 1, h: 2, w: 2, c: 1, oh: 1, ow: 1, pad_top: 0, pad_left: 0 },
      grid: [1, 1, 1],
    });
  assert.equal(pool(2).overrides.KH, 2);
  assert.throws(() => pool(1.5), /avg_pool2d override KH .* u32: current value is 1\.5/);
});

/** Never called: `deno check` fails if one of these lines stops being a mistake. */
export function typedMisuse(): void {
  const { buffers, params, grid } = GOOD;
  // @ts-expect-error: no such kernel
  launch("afine", { buffers, params, grid });
  // @ts-expect-error: the buffer y is missing
  launch("affine", { buffers: { x: input(0) }, params, grid });
  // @ts-expect-error: the shader has no buffer z
  launch("affine", { buffers: { ...buffers, z: output }, params, grid });
  // @ts-expect-error: the param factor is missing
  launch("affine", { buffers, params: { length: 4, offset: 0 }, grid });
  // @ts-expect-error: a param is a number
  launch("affine", { buffers, params: { length: "4", factor: 1, offset: 0 }, grid });
  // @ts-expect-error: the shader has params
  launch("affine", { buffers, grid });
  // @ts-expect-error: the shader has no override of this name
  launch("affine", { buffers, params, grid, overrides: { KH: 1 } });
  // @ts-expect-error: the shader has no line of this name
  launch("affine", { buffers, params, grid, lines: { ROWS: 4 } });
  // @ts-expect-error: elements are f32 or vec4f
  launch("affine", { buffers, params, grid, aliases: { elem: "f16" } });
}

Deno.test("a grid too long for one dimension is folded into two, and covers every workgroup", () => {
  for (const groups of [0, 1, MAX_GRID, MAX_GRID + 1, 10 * MAX_GRID + 7, 40_000_000]) {
    const [x, y, z] = foldGrid(groups);
    assert.ok(x >= 1 && x <= MAX_GRID && y >= 1 && y <= MAX_GRID && z === 1, `${groups}`);
    assert.ok(x * y >= groups && x * (y - 1) < Math.max(groups, 1), `${groups}: ${[x, y]}`);
  }
});
