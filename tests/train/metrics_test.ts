/** The evaluation's metrics against PyTorch and NumPy, and what the golden values do not reach. */
import assert from "node:assert/strict";
import {
  calibration,
  classScores,
  confidentMistakes,
  confusionMatrix,
} from "../../src/train/evaluation/metrics.ts";
import {
  bestClass,
  crossEntropy,
  labelRank,
  softmax,
  topClasses,
} from "../../src/train/evaluation/scores.ts";
import { type Evaluation, Tally } from "../../src/train/evaluation/tally.ts";
import { ViewAverage } from "../../src/train/evaluation/view_average.ts";
import golden from "../golden/metrics.json" with { type: "json" };

function tallied(logits: readonly ArrayLike<number>[], labels: readonly number[]): Evaluation {
  const tally = new Tally(logits[0].length, labels.length);
  labels.forEach((label, i) => tally.addLogits(logits[i], label));
  return tally.result();
}

function near(found: number | null, expected: number | null, what: string): void {
  if (found === null || expected === null) return assert.equal(found, expected, what);
  assert.ok(Math.abs(found - expected) <= 1e-12, `${what}: ${found}, expected ${expected}`);
}

function assertGolden(found: Evaluation, expected: Omit<typeof golden.views, "logits">): void {
  const { name } = expected;
  assert.equal(found.images, expected.labels.length);
  near(found.precision, expected.precision, `${name}: precision`);
  near(found.precision5, expected.precision5, `${name}: precision @ 5`);
  near(found.loss, expected.loss, `${name}: loss`);
  assert.deepEqual(confusionMatrix(found), expected.confusion, name);
  classScores(found).forEach((score, label) => {
    near(score.precision, expected.precisions[label], `${name}: precision of ${label}`);
    near(score.recall, expected.recalls[label], `${name}: recall of ${label}`);
    assert.equal(score.support, expected.confusion[label].reduce((a, b) => a + b));
  });
  near(found.calibration.error, expected.calibration_error, `${name}: calibration error`);
  assert.equal(found.calibration.bins.length, 15);
  found.calibration.bins.forEach(({ low, high, images, confidence, precision }, i) => {
    const [goldenLow, goldenHigh, count, mean, share] = expected.bins[i] as number[];
    near(low, goldenLow, `${name}: bin ${i}`);
    near(high, goldenHigh, `${name}: bin ${i}`);
    assert.equal(images, count, `${name}: bin ${i}`);
    near(confidence, mean, `${name}: bin ${i}`);
    near(precision, share, `${name}: bin ${i}`);
  });
  // Rounded, so that what differs by rounding alone counts as equal.
  const confidence = found.confidence.map((share) => Math.round(share * 1e9) / 1e9);
  const mistakes = confidentMistakes({ ...found, confidence }, 5);
  assert.equal(mistakes.length, expected.mistakes.length);
  mistakes.forEach(({ image, label, predicted, probability }, i) => {
    const [goldenImage, goldenLabel, goldenPredicted, share] = expected.mistakes[i];
    assert.deepEqual([image, label, predicted], [goldenImage, goldenLabel, goldenPredicted]);
    assert.ok(Math.abs(probability - share) <= 1e-9, `${name}: mistake ${i}`);
  });
}

Deno.test("metrics are PyTorch's and NumPy's", () => {
  assert.ok(golden.cases.length >= 5);
  for (const { logits, ...expected } of golden.cases) {
    assertGolden(tallied(logits, expected.labels), {
      ...expected,
      precision5: expected.precision5!,
    });
  }
  assert.deepEqual(golden.cases.map(({ precision5 }) => precision5 === null), [
    ...[false, false, true, false, false],
  ]);
});

Deno.test("the probabilities of views are averaged, batch by batch", () => {
  const { logits, ...expected } = golden.views;
  const batchSize = 4;
  const tally = new Tally(6, expected.labels.length);
  const average = new ViewAverage(10, 6, batchSize);
  for (let first = 0; first < expected.labels.length; first += batchSize) {
    logits.forEach((view, v) => {
      const means = average.add(view.slice(first, first + batchSize), v);
      assert.equal(means === undefined, v < 9);
      means?.forEach((mean, i) => tally.addProbabilities(mean, expected.labels[first + i]));
    });
  }
  assertGolden(tally.result(), expected);
});

Deno.test("a score that is not finite makes an image wrong, and is no prediction", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    for (const place of [0, 1]) {
      const scores = [1, 3, 2, 0, 0, 0];
      scores[place] = bad;
      const { precision, precision5, predicted, confidence, loss, calibration } = tallied(
        [scores, [0, 9, 0, 0, 0, 0]],
        [1, 1],
      );
      assert.deepEqual([precision, precision5], [0.5, 0.5]);
      assert.deepEqual([...predicted], [-1, 1]);
      assert.ok(Number.isNaN(confidence[0]));
      assert.ok(Number.isNaN(loss));
      assert.equal(calibration.bins.reduce((sum, { images }) => sum + images, 0), 1);
    }
  }
  const found = tallied([[NaN, 0], [5, 0]], [0, 0]);
  assert.deepEqual(confusionMatrix(found), [[1, 0], [0, 0]]);
  assert.deepEqual(classScores(found)[0], {
    precision: 1,
    recall: 0.5,
    support: 2,
    confusedWith: null,
  });
  assert.deepEqual(confidentMistakes(found, 9), []);
});

Deno.test("a tie at the boundary is decided for the label", () => {
  assert.equal(labelRank([2, 2, 2, 1], 2), 0);
  assert.equal(labelRank([2, 2, 2, 1], 3), 3);
  const { correct, predicted } = tallied([[1, 1, 0], [1, 1, 0]], [1, 2]);
  assert.equal(correct, 1);
  assert.deepEqual([...predicted], [1, 0]);
  assert.equal(bestClass([1, 3, 3]), 1);
  assert.deepEqual(topClasses([1, 3, 3, 2], 3), [1, 2, 3]);
});

Deno.test("logits of any size give probabilities and a loss", () => {
  const out = new Float64Array(3);
  softmax([1e30, 1e30, -1e30], out);
  assert.deepEqual([...out], [0.5, 0.5, 0]);
  near(crossEntropy([1e3, 0, 0], 1), 1e3, "loss");
  near(crossEntropy([-1e3, -1e3], 1), Math.log(2), "loss");
});

Deno.test("a bin has its upper edge, the first has 0 too", () => {
  const confidence = Float64Array.of(0, 0.25, 0.2500001, 0.5, 1);
  const labels = new Uint32Array(5);
  const predicted = new Int32Array(5);
  const { bins } = calibration({ classes: 2, labels, predicted, confidence }, 4);
  assert.deepEqual(bins.map(({ images }) => images), [2, 2, 0, 1]);
});
