/** What `deno task bench` times, and of which net. */
import assert from "node:assert/strict";
import { benchCommand } from "../../bench/command.ts";
import { parseBenchConfig } from "../../src/train/config.ts";

Deno.test("a part that there is not, or that a net has none of, is refused before anything is timed", async () => {
  const refused = async (line: string, message: RegExp, hint: RegExp) =>
    await assert.rejects(benchCommand(parseBenchConfig(line.split(" "))), {
      name: "ConfigError",
      message,
      hint,
    });
  await refused("--only stap", /^--only must be one of kernels, step, .*: found "stap"$/, /step/);
  await refused(
    "--only input --net airbench94",
    /^--net is read by --only kernels, step, encode: found --only input$/,
    /leave out --net/,
  );
});

Deno.test("the step of each net is timed: its launches and its arithmetic", async () => {
  const lines: string[] = [];
  const log = console.log;
  console.log = (line: string) => void lines.push(line);
  try {
    for (const net of ["reference", "resnet-20", "airbench94"]) {
      const line = `--only step --net ${net} --batch-size 2 --device cpu --threads 1 --json`;
      await benchCommand(parseBenchConfig(line.split(" ")));
    }
  } finally {
    console.log = log;
  }
  const found = lines.map((line) => JSON.parse(line));
  assert.deepEqual(found.map(({ net }) => net), ["reference", "resnet-20", "airbench94"]);
  // Multiply-adds of an image, forward; a step is some three times that, two operations each, two images.
  const multiplyAdds = [18_470_784, 40_551_040, 118_147_360];
  found.forEach(({ step: { flops, imagesPerSecond } }, i) => {
    const times = flops / (2 * 2 * multiplyAdds[i]);
    assert.ok(times > 2.7 && times < 3.2, `${found[i].net}: ${times} times the forward pass`);
    assert.ok(imagesPerSecond > 0);
  });
});
