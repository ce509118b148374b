/** Updates of variables: seen by readers through the update, and by nobody else. */
import assert from "node:assert/strict";
import { add, multiply, scale } from "../../src/ops/elementwise.ts";
import { viewAt } from "../../src/ops/layout.ts";
import { emaUpdate, sgdUpdate } from "../../src/ops/update.ts";
import { compile, type PlanRequest } from "../../src/tensor/compile.ts";
import { baseOf, schedule } from "../../src/tensor/schedule.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { fill, type HostArray, placeholder, variable } from "../../src/tensor/tensor.ts";
import { testDevice } from "../support.ts";

function weights() {
  return variable("w", [3], Float32Array.of(10, 20, 30));
}

const one = fill(1);
const ones = fill(1, [3]);

/** Runs a plan `runs` times and reads all outputs after each. */
async function outputsOf(request: PlanRequest, runs = 1): Promise<Record<string, number[]>[]> {
  using state = new VariableState(await testDevice());
  using plan = await compile(state, request);
  const rows: Record<string, number[]>[] = [];
  for (let run = 0; run < runs; run++) {
    plan.run();
    const row: Record<string, HostArray> = {};
    for (const name in request.outputs) row[name] = await plan.read(name);
    rows.push(Object.fromEntries(Object.entries(row).map(([name, values]) => [name, [...values]])));
  }
  return rows;
}

Deno.test("nodes run in the order of creation, each after its inputs, once", () => {
  const x = placeholder("x", [3]);
  const a = scale(x, 2);
  const b = add(a, x);
  const unused = scale(x, 7);
  const c = multiply(b, a);
  assert.deepEqual(schedule([c, b, c]), [x, a, b, c]);
  assert.ok(!schedule([c]).includes(unused));
  assert.deepEqual(schedule([]), []);
});

Deno.test("an update comes after every reader of the old value, whatever the order of creation", () => {
  const w = weights();
  const updated = sgdUpdate(w, ones, one);
  const through = scale(updated, 2);
  const late = scale(w, 3);
  const order = schedule([through, late]);
  assert.ok(order.indexOf(late) < order.indexOf(updated));
  assert.ok(order.indexOf(updated) < order.indexOf(through));
});

Deno.test("readers of the variable see the old value, readers through the update the new one", async () => {
  const w = weights();
  const updated = sgdUpdate(w, ones, one);
  const rows = await outputsOf({
    outputs: { before: scale(w, 2), after: scale(updated, 2), view: viewAt(updated, [1], 0) },
  }, 2);
  assert.deepEqual(rows, [
    { before: [20, 40, 60], after: [18, 38, 58], view: [9] },
    { before: [18, 38, 58], after: [16, 36, 56], view: [8] },
  ]);
});

Deno.test("an update through another update sees its result, run by run", async () => {
  const w = weights();
  const shadow = variable("shadow", [3], new Float32Array(3));
  const updated = sgdUpdate(w, ones, one);
  const average = emaUpdate(shadow, updated, fill(0.5));
  const rows = await outputsOf({ outputs: { average }, updates: [updated] }, 3);
  assert.deepEqual(rows.map(({ average }) => average[0]), [4.5, 6.25, 6.625]);
});

Deno.test("reading a variable after its update, but not through it, is an error that names both", () => {
  const w = weights();
  const updated = sgdUpdate(w, ones, one);
  const mixed = add(updated, w);
  assert.throws(
    () => schedule([mixed]),
    /Cannot schedule \w+ as it reads w after sgd_update: read the update's result instead/,
  );
  const view = viewAt(w, [3], 0);
  assert.throws(() => schedule([add(updated, view)]), /as it reads view after sgd_update/);
  assert.throws(() => schedule([w], [updated]), /Cannot schedule an output as it reads w after/);
  assert.throws(() => schedule([view], [updated]), /Cannot schedule an output as it reads view/);
  schedule([updated, viewAt(updated, [1], 0)], [updated]);
});

Deno.test("two updates that do not see each other are an error", () => {
  const w = weights();
  assert.throws(
    () => schedule([sgdUpdate(w, ones, one), sgdUpdate(w, fill(2, [3]), one)]),
    /Cannot schedule sgd_update as it reads w after sgd_update/,
  );
});

Deno.test("the earlier of two updates cannot be read after the later one", async () => {
  const w = weights();
  const first = sgdUpdate(w, ones, one);
  const between = add(first, ones);
  const second = sgdUpdate(first, ones, one);
  const after = add(second, ones);
  const [row] = await outputsOf({ outputs: { between, after } });
  assert.deepEqual(row, { between: [10, 20, 30], after: [9, 19, 29] });
  const stale = add(first, ones);
  assert.throws(() => schedule([stale, second]), /reads sgd_update after sgd_update/);
  assert.throws(() => schedule([first], [second]), /an output as it reads sgd_update after/);
  schedule([second], [first]);
});

Deno.test("views and updates own no memory: their base is the variable's", () => {
  const w = weights();
  const view = viewAt(sgdUpdate(w, ones, one), [1], 0);
  assert.equal(baseOf(view), w);
  const own = scale(w, 2);
  assert.equal(baseOf(own), own);
});
