// Works in pieces of 200 ms and says how many it did before and after it heard a signal.
import { eventLoopPause } from "../../src/util/event_loop.ts";

let heardAt: number | undefined;
let pieces = 0;
Deno.addSignalListener("SIGINT", () => heardAt = pieces);
for (; heardAt === undefined && pieces < 20; pieces++) {
  if (pieces === 5) console.log("working");
  for (const end = performance.now() + 200; performance.now() < end;);
  await eventLoopPause();
}
console.log(`heard at ${heardAt}`);
Deno.exit(0);
