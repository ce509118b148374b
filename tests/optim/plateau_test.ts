/** Plateaus against PyTorch's ReduceLROnPlateau (tests/golden/optimizers.py), and through JSON. */
import assert from "node:assert/strict";
import { Plateau } from "../../src/optim/plateau.ts";
import { loadOptimizers } from "../golden/optimizers_fixture.ts";

for (const { patience, factor, initial, precisions, rates } of loadOptimizers().plateaus) {
  Deno.test(`patience ${patience}: the rate drops when PyTorch's does, even if each evaluation is another process`, () => {
    const plateau = new Plateau(patience);
    let saved = JSON.stringify(plateau.state);
    let before = 0;
    precisions.forEach((precision, i) => {
      const drops = plateau.observe(precision);
      const rate = initial * factor ** plateau.state.drops;
      assert.ok(Math.abs(rate / rates[i] - 1) < 1e-8, `evaluation ${i}: ${rate}, not ${rates[i]}`);
      assert.equal(drops, plateau.state.drops > before, `evaluation ${i}`);
      before = plateau.state.drops;

      const resumed = new Plateau(patience, JSON.parse(saved));
      assert.equal(resumed.observe(precision), drops);
      assert.deepEqual(resumed.state, plateau.state);
      saved = JSON.stringify(resumed.state);
    });
    assert.ok(before >= 2, "the test needs drops");
  });
}

Deno.test("a precision that is not a number is no better one", () => {
  const plateau = new Plateau(0);
  plateau.observe(0.5);
  assert.equal(plateau.observe(NaN), true);
  assert.deepEqual(plateau.state, { best: 0.5, waited: 0, drops: 1 });
});
