/** Initial values have the distribution that they are named after. */
import assert from "node:assert/strict";
import {
  constantInitializer,
  glorotUniform,
  identityFilters,
  type Initializer,
  initializerStream,
  normal,
  truncatedNormal,
  uniformFanIn,
  uniformUnitScaling,
  unitDeviation,
} from "../../src/nn/initializers.ts";

const COUNT = 100_000;

function sample(initializer: Initializer, seed = 1) {
  const values = initializer(COUNT, initializerStream(seed, 0));
  const mean = values.reduce((a, b) => a + b, 0) / COUNT;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / COUNT;
  const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return { values, mean, deviation: Math.sqrt(variance), largest };
}

Deno.test("normal: mean 0, the deviation that is asked for, and a normal's tails", () => {
  for (const deviation of [0.05, 2]) {
    const found = sample(normal(deviation));
    assert.ok(Math.abs(found.mean) < 4 * deviation / Math.sqrt(COUNT), `mean ${found.mean}`);
    assert.ok(Math.abs(found.deviation / deviation - 1) < 0.01, `deviation ${found.deviation}`);
    const beyond = found.values.filter((v) => Math.abs(v) > 2 * deviation).length / COUNT;
    assert.ok(Math.abs(beyond - 0.0455) < 0.004, `beyond two deviations ${beyond}`);
    assert.ok(found.largest < 6 * deviation);
  }
});

Deno.test("a truncated normal ends at two deviations", () => {
  const found = sample(truncatedNormal(0.05));
  assert.ok(found.largest <= 0.1 && found.largest > 0.0999, `largest ${found.largest}`);
  assert.ok(Math.abs(found.deviation / 0.05 - 0.8796) < 0.01);
});

Deno.test("uniform unit scaling: even up to factor * sqrt(3 / inputs), which keeps the variance", () => {
  for (const [factor, inputs] of [[1, 64], [1.43, 300]]) {
    const { values, mean, deviation, largest } = sample(uniformUnitScaling(factor, inputs));
    const reach = factor * Math.sqrt(3 / inputs);
    assert.ok(largest <= reach && largest > 0.999 * reach, `largest ${largest}, reach ${reach}`);
    assert.ok(Math.abs(mean) < 4 * reach / Math.sqrt(3 * COUNT), `mean ${mean}`);
    assert.ok(Math.abs(deviation / (factor / Math.sqrt(inputs)) - 1) < 0.01);
    for (let part = 0; part < 4; part++) {
      const low = reach * (part / 2 - 1);
      const share = values.filter((v) => v >= low && v < low + reach / 2).length / COUNT;
      assert.ok(Math.abs(share - 0.25) < 0.006, `part ${part}: ${share}`);
    }
  }
});

Deno.test("Glorot's uniform reaches sqrt(6 / (inputs + outputs))", () => {
  const { largest } = sample(glorotUniform(27, 144));
  const reach = Math.sqrt(6 / 171);
  assert.ok(largest <= reach && largest > 0.999 * reach, `largest ${largest}`);
});

Deno.test("values are a function of seed and number of the parameter", () => {
  for (const initializer of [normal(1), uniformUnitScaling(1, 9), truncatedNormal(1)]) {
    const [a, b, seed, parameter] = [[1, 0], [1, 0], [2, 0], [1, 1]].map(([seed, i]) =>
      initializer(64, initializerStream(seed, i))
    );
    assert.deepEqual(a, b);
    assert.notDeepEqual(a, seed);
    assert.notDeepEqual(a, parameter);
  }
  assert.deepEqual(sample(constantInitializer(0.1)).values, new Float32Array(COUNT).fill(0.1));
});

Deno.test("PyTorch's start of a layer is even up to 1 / sqrt(inputs)", () => {
  const found = sample(uniformFanIn(25));
  assert.ok(found.largest <= 0.2 && found.largest > 0.1999, `largest ${found.largest}`);
  assert.ok(Math.abs(found.deviation / (0.2 / Math.sqrt(3)) - 1) < 0.01);
});

Deno.test("a unit deviation is 1 over count - 1, of the same values but for a factor", () => {
  const random = () => initializerStream(4, 0);
  const [plain, unit] = [
    uniformFanIn(256)(2560, random()),
    unitDeviation(uniformFanIn(256))(2560, random()),
  ];
  const mean = unit.reduce((a, b) => a + b, 0) / 2560;
  const variance = unit.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 2559;
  assert.ok(Math.abs(variance - 1) < 1e-5, `variance ${variance}`);
  const factor = unit[0] / plain[0];
  assert.ok(plain.every((v, i) => Math.abs(unit[i] - v * factor) < 1e-4));
});

Deno.test("the first filters pass on a channel each, as PyTorch's dirac_; the others stay at random", () => {
  for (const [channels, filters] of [[3, 5], [4, 4], [5, 3]]) {
    const count = 9 * channels * filters;
    const rest = normal(1)(count, initializerStream(4, 0));
    const made = identityFilters({ size: 3, channels, filters }, normal(1))(
      count,
      initializerStream(4, 0),
    );
    made.forEach((value, at) => {
      const [o, c, place] = [
        at % filters,
        Math.floor(at / filters) % channels,
        Math.floor(at / (filters * channels)),
      ];
      const expected = o >= channels ? rest[at] : place === 4 && c === o ? 1 : 0;
      assert.equal(value, expected, `place ${place}, channel ${c}, filter ${o}`);
    });
  }
});
