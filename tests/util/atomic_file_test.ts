import assert from "node:assert/strict";
import { join } from "node:path";
import { writeFileAtomic } from "../../src/util/atomic_file.ts";

async function inTemporaryFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("a file is created and replaced whole", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = join(folder, "config.json");
    await writeFileAtomic(path, "a long first text");
    await writeFileAtomic(path, "short \u00e9");
    assert.equal(Deno.readTextFileSync(path), "short \u00e9");
    await writeFileAtomic(path, new Uint8Array(3_000_000).fill(7));
    assert.deepEqual(Deno.readFileSync(path), new Uint8Array(3_000_000).fill(7));
    assert.deepEqual(names(folder), ["config.json"]);
  });
});

Deno.test("a failed rename keeps what was there and leaves no temporary file", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = join(folder, "taken");
    Deno.mkdirSync(path);
    await assert.rejects(writeFileAtomic(path, "x"), {
      name: "UserError",
      message: `Cannot write ${path}: it is a folder`,
      hint: "name a file",
    });
    assert.deepEqual(names(folder), ["taken"]);
  });
});

Deno.test("a folder that is missing or a file is an error with the reason", async () => {
  await inTemporaryFolder(async (folder) => {
    const missing = join(folder, "none", "x");
    await assert.rejects(writeFileAtomic(missing, "x"), {
      name: "UserError",
      message: `Cannot write ${missing}: no such file or folder`,
    });
    Deno.writeTextFileSync(join(folder, "file"), "");
    const inside = join(folder, "file", "x");
    await assert.rejects(writeFileAtomic(inside, "x"), {
      name: "UserError",
      message: `Cannot write ${inside}: a part of the path is a file, not a folder`,
    });
  });
});

Deno.test({
  name: "a missing permission of Deno is an error that says which",
  permissions: { write: false, read: true },
  async fn() {
    await assert.rejects(writeFileAtomic("x", "x"), {
      name: "UserError",
      message: "Cannot write x: Deno was not given the permission",
      hint: /^it needs write access to "/,
    });
  },
});
