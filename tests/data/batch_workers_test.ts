/** Worker threads that fail, hang, die or are not needed any more. */
import assert from "node:assert/strict";
import { REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import { BatchLoader } from "../../src/data/batches/batches.ts";
import { randomStore } from "./stores.ts";

const STORE = randomStore(50, 21);
const BROKEN = (way: string) => new URL(`./broken_worker.ts?way=${way}`, import.meta.url);

Deno.test("an exception in a worker rejects next with its message, then and later", async () => {
  const workerModule = BROKEN("throw");
  const options = {
    store: STORE,
    augment: REFERENCE_AUGMENT,
    batchSize: 8,
    seed: 5,
    workers: 2,
    workerModule,
  };
  await using loader = new BatchLoader(options);
  await assert.rejects(loader.next(), /input worker \d failed: .*disk on fire/);
  await assert.rejects(loader.next(), /disk on fire/);
  assert.throws(() => loader.tryNext(), /disk on fire/);
});

Deno.test("a worker module that cannot be loaded rejects next", async () => {
  const workerModule = new URL("./no_such_worker.ts", import.meta.url);
  await using loader = new BatchLoader({
    store: STORE,
    augment: REFERENCE_AUGMENT,
    batchSize: 8,
    seed: 5,
    workerModule,
  });
  await assert.rejects(loader.next(), /input worker \d failed: ./);
});

Deno.test("workers that die or hang without a word are noticed after a while", async () => {
  for (const way of ["exit", "hang"]) {
    const options = {
      store: STORE,
      augment: REFERENCE_AUGMENT,
      batchSize: 8,
      seed: 5,
      workers: 2,
      stallMs: 200,
      graceMs: 50,
    };
    await using loader = new BatchLoader({ ...options, workerModule: BROKEN(way) });
    await assert.rejects(loader.next(), /stood still for 0.2 s/);
  }
});

Deno.test("a closed loader gives no more batches, also to one who waits", async () => {
  const options = {
    store: STORE,
    augment: REFERENCE_AUGMENT,
    batchSize: 8,
    seed: 5,
    workerModule: BROKEN("hang"),
    graceMs: 50,
  };
  const loader = new BatchLoader(options);
  const waiting = loader.next();
  const closing = [loader.close(), loader.close()];
  await assert.rejects(waiting, /loader is closed/);
  await assert.rejects(loader.next(), /loader is closed/);
  await Promise.all(closing);
});

Deno.test("a batch may be released after its loader is closed", async () => {
  const loader = new BatchLoader({
    store: STORE,
    augment: REFERENCE_AUGMENT,
    batchSize: 8,
    seed: 5,
  });
  const batch = await loader.next();
  await loader.close();
  batch.release();
});

/** Runs a script on ten records in a process of its own; returns what it prints. */
async function printed(body: string): Promise<string> {
  const module = (name: string) => new URL(`../../src/data/${name}`, import.meta.url).href;
  const script = `
    import { BatchLoader, evalBatches } from ${JSON.stringify(module("batches/batches.ts"))};
    import { REFERENCE_AUGMENT } from ${JSON.stringify(module("augment/spec.ts"))};
    import { ImageStore } from ${JSON.stringify(module("image_store.ts"))};
    const store = new ImageStore({
      format: { height: 32, width: 32, channels: 3, order: "CHW" },
      recordBytes: 3072,
      pixelOffset: 0,
      source: { kind: "memory", bytes: new SharedArrayBuffer(10 * 3072) },
      labels: new SharedArrayBuffer(20),
    });
    const augment = REFERENCE_AUGMENT;
    const options = { store, augment, batchSize: 1, seed: 1, workers: 3, slots: 3 };
    ${body}`;
  const child = new Deno.Command("deno", {
    args: ["eval", "--no-lock", script],
    stdout: "piped",
    stderr: "null",
    signal: AbortSignal.timeout(10_000),
  });
  const { code, stdout } = await child.output();
  assert.equal(code, 0, "the process ended by itself");
  return new TextDecoder().decode(stdout);
}

Deno.test("a process that closes its loader ends: no worker is left behind", async () => {
  const output = await printed(`
    const loader = new BatchLoader(options);
    (await loader.next()).release();
    await loader.close();
    console.log("closed");`);
  assert.equal(output, "closed\n");
});

Deno.test("an evaluation that is left in the middle leaves no worker behind", async () => {
  const output = await printed(`
    for await (const batch of evalBatches(options)) if (batch.step === 2) break;
    console.log("left");`);
  assert.equal(output, "left\n");
});

Deno.test("a process whose workers all die while it waits does not end without a word", async () => {
  const module = new URL("./no_such_worker.ts", import.meta.url);
  const output = await printed(`
    const workerModule = new URL(${JSON.stringify(module)});
    const loader = new BatchLoader({ ...options, workerModule });
    await loader.next().catch((error) => console.log(error.message));`);
  assert.match(output, /^Cannot make batches as input worker \d failed/);
});
