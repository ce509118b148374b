/** Signals are heard between two pieces of work, however long these are. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

Deno.test("a signal is heard before the next piece of work", async () => {
  const path = fileURLToPath(new URL("./slow_loop.ts", import.meta.url));
  const child = new Deno.Command("deno", { args: ["run", "--quiet", path], stdout: "piped" })
    .spawn();
  let out = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (out === "") setTimeout(() => child.kill("SIGINT"), 50);
    out += text;
  }
  assert.equal((await child.status).code, 0);
  // Sent in piece 5, on a busy machine in piece 6. One turn of setImmediate a piece hands nothing over.
  assert.match(out, /^working\nheard at [56]\n$/);
});
