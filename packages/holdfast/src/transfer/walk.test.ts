import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { walk } from "./walk.ts";

suite("walk", () => {
  let root = "";
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "holdfast-test-"));
    await mkdir(join(root, "a/b"), { recursive: true });
    await mkdir(join(root, "empty"));
    await writeFile(join(root, "top"), "");
    await writeFile(join(root, "a/b/deep"), "");
  });
  afterEach(() => rm(root, { recursive: true }));

  async function found(followSymlinks: boolean): Promise<readonly string[]> {
    const entries: string[] = [];
    for await (const entry of walk(root, { followSymlinks })) entries.push(`${entry.kind} ${entry.relative}`);
    return entries.sort();
  }

  test("files come with their path below the root; empty folders do not come", async () => {
    assert.deepEqual(await found(false), ["file a/b/deep", "file top"]);
  });

  test("symbolic links are reported, not followed, unless asked for", async () => {
    await symlink("../top", join(root, "a/link"));
    await symlink("a", join(root, "folder-link"));
    assert.deepEqual(await found(false), [
      "file a/b/deep",
      "file top",
      "symlink a/link",
      "symlink folder-link",
    ]);
    assert.deepEqual(await found(true), [
      "file a/b/deep",
      "file a/link",
      "file folder-link/b/deep",
      "file folder-link/link",
      "file top",
    ]);
  });

  test("links that lead round in circles are reported once and left", async () => {
    await symlink("..", join(root, "a/up"));
    assert.deepEqual(await found(true), ["file a/b/deep", "file top", "symlink a/up"]);
  });

  test("a link to nowhere is an error, and the walk goes on", async () => {
    await symlink("nowhere", join(root, "a/broken"));
    assert.deepEqual(await found(true), ["error a/broken", "file a/b/deep", "file top"]);
  });

  test("pipes and devices are reported as special", async () => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    assert.ok((await found(false)).includes("special pipe"));
  });
});
