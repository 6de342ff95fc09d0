import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { compareKeys } from "./key-order.ts";
import { sortedWalk } from "./sorted-walk.ts";

test("key order: names sort as their UTF-8 bytes do", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
      assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
  assert.ok(compareKeys("\uffee", "😀") < 0, "by code units it would be the other way round");
});

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-walk-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("sorted walk: files come in the order of the store's keys, also when a folder takes many batches", async () => {
  await withFolder(async (folder) => {
    const names = ["a/z", "a-b", "a.b/c", "a0", "a/b/c", "b", "\uffee/x", "😀/x", "😀", "z"].filter(
      (name) => name !== "😀",
    );
    for (let i = 0; i < 40; i++) names.push(`many/${(i * 7) % 40}`);
    for (const name of names) {
      await mkdir(join(folder, name, ".."), { recursive: true });
      await writeFile(join(folder, name), "");
    }
    const expected = names
      .map((name) => Buffer.from(name))
      .sort((a, b) => Buffer.compare(a, b))
      .map(String);
    for (const batchNames of [1, 3, 1000]) {
      const found: string[] = [];
      for await (const entry of sortedWalk(folder, { followSymlinks: false, batchNames }))
        found.push(entry.relative);
      assert.deepEqual(found, expected);
    }
  });
});

test("sorted walk: links that lead round in circles, and nowhere, end it nowhere", async () => {
  await withFolder(async (folder) => {
    await mkdir(join(folder, "a"));
    await symlink("..", join(folder, "a/up"));
    await symlink("nothing", join(folder, "b"));
    const found: string[] = [];
    for await (const entry of sortedWalk(folder, { followSymlinks: true }))
      found.push(`${entry.kind} ${entry.relative}`);
    assert.deepEqual(found, ["symlink a/up", "error b"]);
  });
});
