/** What is printed and written of an evaluation. */
import assert from "node:assert/strict";
import { confusionCsv, csvLine } from "../../src/report/confusion_csv.ts";
import { evaluationJson, evaluationRecord } from "../../src/report/evaluation_json.ts";
import { evaluationReport } from "../../src/report/evaluation_report.ts";
import { predictionCsv, predictionTable } from "../../src/report/predictions.ts";
import { type Evaluation, Tally } from "../../src/train/evaluation/tally.ts";

const EMA = { name: "moving averages (EMA)", short: "EMA" };
const TRAINED = { name: "weights as trained", short: "trained" };
const CLASSES = ["cat", "dog", "猫, wild"];

/** Four images: two right, a cat taken for a dog, a dog taken for a cat. Probabilities by halves. */
function evaluation(): Evaluation {
  const tally = new Tally(3, 4);
  const sure = Math.log(8);
  tally.addLogits([sure, 0, 0], 0);
  tally.addLogits([0, sure, 0], 0);
  tally.addLogits([0, sure, 0], 1);
  tally.addLogits([sure, 0, 0], 1);
  return tally.result();
}

Deno.test("the report has sums, classes, confusions and calibration", () => {
  const text = evaluationReport([{ weights: EMA, evaluation: evaluation() }], CLASSES);
  const expected = `
precision @ 1            0.5000
loss (cross-entropy)     1.2629
calibration error (ECE)  0.3000

class    images  precision  recall  most confused with
-------  ------  ---------  ------  ------------------
cat           2      0.500   0.500  dog (1)
dog           2      0.500   0.500  cat (1)
猫, wild       0          -       -  -

confusion: rows are the true classes, columns the predicted
            0  1  2
-------  -  -  -  -
cat      0  1  1  .
dog      1  1  1  .
猫, wild  2  .  .  .

calibration: images by the probability of their predicted class
     probability  images   mean  right
----------------  ------  -----  -----
73.3 % to 80.0 %       4  0.800  0.500`.trim();
  assert.equal(text, expected);
});

Deno.test("two weights stand side by side", () => {
  const tally = new Tally(3, 4);
  [0, 0, 1, 1].forEach((label) => tally.addLogits([0, 0, 9], label));
  const text = evaluationReport(
    [{ weights: EMA, evaluation: evaluation() }, { weights: TRAINED, evaluation: tally.result() }],
    CLASSES,
  );
  assert.match(text, /^ +moving averages \(EMA\) {2}weights as trained$/m);
  assert.match(text, /^precision @ 1 +0\.5000 +0\.0000$/m);
  assert.match(
    text,
    /EMA: precision {2}recall {2}most confused with {2}trained: precision {2}recall {2}most confused/,
  );
  assert.match(text, /^cat +2 +0\.500 +0\.500 {2}dog \(1\) +- +0\.000 {2}猫, wild \(2\)$/m);
  assert.match(text, /^confusion: .*; moving averages \(EMA\)$/m);
});

Deno.test("many classes are not all listed, and have no matrix", () => {
  const classes = Array.from({ length: 150 }, (_, i) => `class ${i}`);
  const tally = new Tally(150, 150);
  const logits = (best: number) => Float32Array.from({ length: 150 }, (_, i) => i === best ? 9 : 0);
  for (let label = 0; label < 150; label++) tally.addLogits(logits(label < 30 ? 0 : label), label);
  const text = evaluationReport([{ weights: EMA, evaluation: tally.result() }], classes);
  assert.match(text, /^the 20 of 150 classes with the lowest recall$/m);
  assert.equal(text.match(/^class \d+ /gm)?.length, 20);
  assert.ok(!text.includes("confusion:"));
  assert.match(text, /^precision @ 5 /m);
});

Deno.test("scores that are not finite are told", () => {
  const tally = new Tally(3, 2);
  tally.addLogits([NaN, 0, 0], 0);
  tally.addLogits([9, 0, 0], 0);
  const result = tally.result();
  const text = evaluationReport([{ weights: EMA, evaluation: result }], CLASSES);
  assert.match(text, /^images whose scores are not finite, which count as wrong: 1$/m);
  assert.match(text, /^loss \(cross-entropy\) +NaN$/m);
  assert.equal(JSON.parse(JSON.stringify(evaluationJson(result, CLASSES))).loss, null);
});

Deno.test("the JSON has names, the matrix, the bins and the mistakes", () => {
  const json = evaluationJson(evaluation(), CLASSES);
  assert.deepEqual([json.precision, json.precision5, json.correct, json.images], [0.5, null, 2, 4]);
  assert.deepEqual(json.classes[0], {
    name: "cat",
    precision: 0.5,
    recall: 0.5,
    support: 2,
    confusedWith: { name: "dog", images: 1 },
  });
  assert.deepEqual(json.confusion, [[1, 1, 0], [1, 1, 0], [0, 0, 0]]);
  assert.equal(json.calibration.length, 15);
  assert.deepEqual(json.mistakes.map(({ image, label, predicted }) => [image, label, predicted]), [
    [1, "cat", "dog"],
    [3, "dog", "cat"],
  ]);
  const record = evaluationRecord(evaluation(), { step: 7, set: "test" });
  assert.deepEqual(Object.keys(record), [
    ..."kind step set precision precision_5 loss calibration_error correct images".split(" "),
  ]);
});

Deno.test("CSV fields are quoted where they must be", () => {
  assert.equal(csvLine(["a", 'say "b"', "c,d", "e\nf", 1.5]), 'a,"say ""b""","c,d","e\nf",1.5\n');
  assert.equal(
    confusionCsv(CLASSES, [[1, 2, 0], [0, 3, 0], [4, 0, 5]]),
    'true \\ predicted,cat,dog,"猫, wild"\ncat,1,2,0\ndog,0,3,0\n"猫, wild",4,0,5\n',
  );
});

Deno.test("predictions as a table and as CSV", () => {
  const predictions = [
    {
      image: "a.png",
      classes: [{ class: "cat", probability: 0.75 }, { class: "dog", probability: 0.25 }],
    },
    { image: "b,c.png", classes: [{ class: "dog", probability: 1 }] },
  ];
  assert.equal(
    predictionTable(predictions),
    `
image    1st           2nd
-------  ---  -------  ---  ------
a.png    cat   75.0 %  dog  25.0 %
b,c.png  dog  100.0 %`.trim(),
  );
  assert.equal(
    predictionCsv(predictions),
    'image,rank,class,probability\na.png,1,cat,0.75\na.png,2,dog,0.25\n"b,c.png",1,dog,1\n',
  );
  const many = Array.from({ length: 23 }, () => ({ class: "x", probability: 0 }));
  const [head] = predictionTable([{ image: "a", classes: many }]).split("\n");
  assert.match(head, /1st.* 2nd .*3rd .*4th .*11th .*12th .*13th .*21st .*22nd .*23rd/);
});
