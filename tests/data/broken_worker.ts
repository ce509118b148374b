// A worker module that fails in the way that the query of its URL names.

globalThis.addEventListener("message", () => {
  const way = new URL(import.meta.url).searchParams.get("way");
  if (way === "throw") throw new Error("disk on fire");
  if (way === "exit") globalThis.close();
});
