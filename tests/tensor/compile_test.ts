/** Plans: what they are fed and asked for is checked, state is shared, and a run allocates nothing. */
import assert from "node:assert/strict";
import { add, multiply, scale } from "../../src/ops/elementwise.ts";
import { matmul } from "../../src/ops/matmul.ts";
import { reshape, viewAt } from "../../src/ops/layout.ts";
import { sum } from "../../src/ops/reduce.ts";
import { sgdUpdate } from "../../src/ops/update.ts";
import { compile, compute } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, fill, placeholder, variable } from "../../src/tensor/tensor.ts";
import { testDevice } from "../support.ts";

async function newState(): Promise<VariableState> {
  return new VariableState(await testDevice());
}

Deno.test("unknown names are errors that name what there is", async () => {
  using state = await newState();
  const [x, b] = [placeholder("x", [2]), placeholder("bias", [2])];
  using plan = await compile(state, { outputs: { y: add(x, b), z: scale(x, 3) } });
  assert.throws(
    () => plan.run({ images: new Float32Array(2) }),
    /^RangeError: Cannot feed images as the plan has no such input: its inputs are x,bias/,
  );
  await assert.rejects(plan.read("loss"), {
    name: "RangeError",
    message: "Cannot read loss as the plan has no such output: its outputs are y,z",
  });
});

Deno.test("values of a wrong length or type are errors that name the shape or the type", async () => {
  using state = await newState();
  const x = placeholder("x", [2, 3]);
  using plan = await compile(state, { outputs: { y: scale(x, 2) } });
  assert.throws(
    () => plan.run({ x: new Float32Array(5) }),
    /Cannot feed x as its shape is \[2, 3\]: given 5 values/,
  );
  assert.throws(
    () => plan.run({ x: new Uint32Array(6) }),
    /^TypeError: .*f32: given a Uint32Array/,
  );
  const w = variable("w", [2], new Float32Array(2));
  assert.throws(() => state.write(w, new Float32Array(3)), /w as it has 2 values: given 3/);
  assert.throws(() => state.buffer(x), /Cannot keep x as it is not a variable/);
});

Deno.test("two inputs of one name are an error", async () => {
  using state = await newState();
  const y = add(placeholder("x", [2]), placeholder("x", [2]));
  await assert.rejects(compile(state, { outputs: { y } }), /two inputs that are called x/);
});

Deno.test("an input that is not given keeps its values of the run before", async () => {
  using state = await newState();
  const [a, b] = [placeholder("a", [2]), placeholder("b", [2])];
  using plan = await compile(state, { outputs: { y: add(a, b) } });
  plan.run({ a: Float32Array.of(1, 2), b: Float32Array.of(10, 20) });
  plan.run({ a: Float32Array.of(3, 4) });
  assert.deepEqual([...await plan.read("y")], [13, 24]);
});

Deno.test("outputs of every sort are kept: inputs, constants, views, intermediates, whole numbers", async () => {
  using state = await newState();
  const x = placeholder("x", [2, 2]);
  const middle = scale(x, 2);
  const end = sum(multiply(middle, middle));
  const labels = constant(Uint32Array.of(7, 8), [2]);
  using plan = await compile(state, {
    outputs: { x, middle, flat: reshape(middle, [4]), row: viewAt(middle, [2], 0), end, labels },
  });
  plan.run({ x: Float32Array.of(1, 2, 3, 4) });
  assert.deepEqual([...await plan.read("x")], [1, 2, 3, 4]);
  assert.deepEqual([...await plan.read("middle")], [2, 4, 6, 8]);
  assert.deepEqual([...await plan.read("flat")], [2, 4, 6, 8]);
  assert.deepEqual([...await plan.read("row")], [2, 4]);
  assert.deepEqual([...await plan.read("end")], [120]);
  assert.deepEqual(await plan.read("labels"), Uint32Array.of(7, 8));
});

Deno.test("plans of one state share its variables; what one writes the other reads", async () => {
  using state = await newState();
  const w = variable("w", [2], Float32Array.of(5, 6));
  using step = await compile(state, { updates: [sgdUpdate(w, fill(1, [2]), fill(1))] });
  using look = await compile(state, { outputs: { y: scale(w, 10) } });
  step.run();
  look.run();
  assert.deepEqual([...await look.read("y")], [40, 50]);
  state.write(w, Float32Array.of(1, 2));
  look.run();
  assert.deepEqual([...await look.read("y")], [10, 20]);
  using other = await newState();
  assert.deepEqual([...await compute(other, scale(w, 1.5))], [7.5, 9], "another state starts anew");
});

Deno.test("a chain of any length takes the memory of two links", async () => {
  using state = await newState();
  const x = placeholder("x", [1024]);
  let y = add(x, x);
  for (let i = 0; i < 20; i++) y = add(y, x);
  using plan = await compile(state, { outputs: { y: sum(y) } });
  assert.ok(plan.summary.unsharedBytes >= 21 * 4096, `${plan.summary.unsharedBytes}`);
  assert.ok(plan.summary.bytes <= 4 * 4096, `${plan.summary.bytes}`);
  plan.run({ x: new Float32Array(1024).fill(1) });
  assert.deepEqual([...await plan.read("y")], [22 * 1024]);
});

Deno.test("in steady state a run allocates nothing", async () => {
  const device = await testDevice();
  using state = new VariableState(device);
  const x = placeholder("x", [16, 32]);
  const w = variable("w", [32, 8], new Float32Array(256).fill(0.01));
  const y = matmul(x, w);
  const gradient = matmul(x, y, { transposeA: true });
  using plan = await compile(state, {
    outputs: { y },
    updates: [sgdUpdate(w, gradient, fill(0.01))],
  });
  const data = new Float32Array(512).fill(0.1);
  const run = async () => {
    plan.run({ x: data });
    await plan.read("y");
  };
  await run();
  const before = [device.memory.used, device.memory.buffers, device.pipelines.size];
  const peak = device.memory.peak;
  const { createBuffer, createBindGroup, createComputePipeline } = device.gpu;
  const made: string[] = [];
  const spy = (name: string) => () => assert.fail(made[made.push(name) - 1]);
  Object.assign(device.gpu, {
    createBuffer: spy("buffer"),
    createBindGroup: spy("bind group"),
    createComputePipeline: spy("pipeline"),
  });
  try {
    for (let i = 0; i < 100; i++) await run();
  } finally {
    Object.assign(device.gpu, { createBuffer, createBindGroup, createComputePipeline });
  }
  assert.deepEqual(made, []);
  assert.deepEqual([device.memory.used, device.memory.buffers, device.pipelines.size], before);
  assert.equal(device.memory.peak, peak);
});
