// A decoder that fails in the way that the query of its URL names.

import { parentPort } from "node:worker_threads";

parentPort?.on("message", () => {
  const way = new URL(import.meta.url).searchParams.get("way");
  if (way === "throw") throw new Error("disk on fire");
  if (way === "reply") {
    const message = "disk on fire";
    parentPort?.postMessage({ kind: "error", message, stack: `${message}\n at the very bottom` });
  }
  if (way === "exit") Deno.exit(3);
});
