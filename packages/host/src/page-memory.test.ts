import assert from "node:assert/strict";
import { openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { seededRandom } from "@holdfast/base";
import { openDisk } from "./disk.ts";
import { RealDiskFile } from "./disk-file.ts";
import { liesOnPages, realPageMemory } from "./page-memory.ts";

const page = 4096;

test("page memory: whole pages of it are known, and no other bytes", () => {
  const pages = realPageMemory.allocate(4 * page);
  assert.ok(liesOnPages(pages));
  assert.ok(liesOnPages(pages.subarray(page, 3 * page)));
  assert.ok(!liesOnPages(pages.subarray(64)));
  assert.ok(!liesOnPages(pages.subarray(0, 100)));
  assert.ok(!liesOnPages(new Uint8Array(4 * page)));
});

test("page memory: copying is right wherever source and target lie", () => {
  const source = seededRandom(1).bytes(1000);
  const target = realPageMemory.allocate(page);
  for (let at = 0; at < 16; at++)
    for (let from = 0; from < 16; from++) {
      target.fill(0);
      realPageMemory.copy(source.subarray(from), target, at);
      assert.equal(Buffer.compare(target.subarray(at, at + 1000 - from), source.subarray(from)), 0);
      assert.ok(target.subarray(at + 1000 - from).every((byte) => byte === 0));
    }
  realPageMemory.copy(new Uint8Array(0), target, page);
});

test("page memory: pages written past the cache and bytes written through it are one file", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-pages-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const disk = await openDisk(folder);
  const random = seededRandom(2);
  for (const syncWrites of [false, true]) {
    const file = await disk.open(`a${syncWrites}`, "create", { pastCache: true, syncWrites });
    const pages = [1, 2, 3].map(() => {
      const bytes = disk.memory.allocate(3 * page);
      disk.memory.copy(random.bytes(3 * page), bytes, 0);
      return bytes;
    });
    const [first, second, third] = pages;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const odd = random.bytes(1000);
    await file.write(0, [first, second]);
    await file.write(6 * page, [odd]);
    await file.write(6 * page + 1000, [third]);
    await file.write(10 * page, [third]);
    await file.sync();
    const expected = Buffer.alloc(13 * page);
    for (const [bytes, at] of [
      [first, 0],
      [second, 3 * page],
      [odd, 6 * page],
      [third, 6 * page + 1000],
      [third, 10 * page],
    ] as const)
      expected.set(bytes, at);
    assert.equal(Buffer.compare(await file.read(0, 20 * page), expected), 0);
    const target = new Uint8Array(20 * page);
    assert.equal(await file.readInto(page, target), 12 * page);
    assert.equal(Buffer.compare(target.subarray(0, 12 * page), expected.subarray(page)), 0);
    await file.close();
  }
});

test("page memory: what a file system will not take past the cache goes through it", async (t) => {
  // A file of the kernel that refuses such bytes with EINVAL, as a file system does memory that lies wrong.
  if (process.platform !== "linux") return;
  const folder = await mkdtemp(join(tmpdir(), "holdfast-pages-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const descriptor = openSync(join(folder, "a"), "w+");
  const direct = openSync("/proc/self/oom_score_adj", "r+");
  const file = new RealDiskFile({ path: "a", descriptor, direct, syncAfterWrite: false });
  const pages = realPageMemory.allocate(2 * page).fill(7);
  await file.write(0, [pages]);
  assert.equal(Buffer.compare(await file.read(0, 3 * page), pages), 0);
  await file.close();
});
