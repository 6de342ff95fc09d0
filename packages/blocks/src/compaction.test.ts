import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertHolds,
  assertMissing,
  BlockWorld,
  block,
  compact,
  compactAll,
  content,
  folder,
  isBlockError,
  put,
} from "./block-world.test.ts";
import { volumeName } from "./volume-header.ts";

/** Each start writes to a volume of its own: the first put here opens the next one. */
async function reopened(world: BlockWorld): ReturnType<BlockWorld["open"]> {
  world.kill();
  return world.open();
}

function hasVolume(world: BlockWorld, number: number): boolean {
  return world.disk.peek(`${folder}/${volumeName(number)}`) !== undefined;
}

/** The first body of a volume begins behind the volume's page and the needle's header. */
function rotFirstBody(world: BlockWorld, number: number): void {
  world.disk.rot(`${folder}/${volumeName(number)}`, 4096 + 64 + 10);
}

test("compaction: live blocks move, the volume goes, and its space comes back", async () => {
  const world = new BlockWorld({ volumeBytesMax: 64 * 1024 });
  const store = await world.open();
  const ids = Array.from({ length: 60 }, (_, number) => block(number, 0));
  for (const id of ids) await put(store, id);
  for (const id of ids) if (id.content.attempt % 3 > 0) await store.erase(id.content);
  const before = store.usage();
  await compactAll(store);
  const after = store.usage();
  assert.equal(after.liveBytes, before.liveBytes);
  assert.ok(after.deadBytes < before.deadBytes / 3, `${after.deadBytes} dead bytes of ${before.deadBytes}`);
  assert.ok(!hasVolume(world, 1));
  for (const id of ids)
    await (id.content.attempt % 3 > 0 ? assertMissing(store, id) : assertHolds(store, id));
});

test("compaction: a volume is worth it by its dead part; the active one never is", async () => {
  const world = new BlockWorld();
  const first = await world.open();
  for (const number of [1, 2, 3, 4]) await put(first, block(number, 0), new Uint8Array(4000));
  await first.erase(content(1));
  assert.deepEqual(first.compactionCandidates(0.1), []);
  await first.close();
  const second = await reopened(world);
  assert.deepEqual(second.compactionCandidates(0.9), []);
  assert.deepEqual(second.compactionCandidates(0.25), [1]);
});

test("S7: a volume is unlinked after its successor is synced and the index flushed, then its folder is synced", async () => {
  const operations: string[] = [];
  const world = new BlockWorld({ beforeOperation: (name) => operations.push(name) });
  const first = await world.open();
  await put(first, block(1, 0));
  await first.close();
  const second = await reopened(world);
  operations.length = 0;
  await compact(second, 1);
  const tail = operations.slice(operations.lastIndexOf("write"));
  assert.deepEqual(
    tail,
    ["write", "sync", "open", "index write", "index flush", "remove", "syncDirectory"].filter(
      (name) => name !== "open",
    ),
  );
});

test("compaction: blocks can be read all the while, step by step", async () => {
  const world = new BlockWorld({ copyBytesMax: 1 });
  const first = await world.open();
  const ids = Array.from({ length: 20 }, (_, number) => block(number, 0));
  for (const id of ids) await put(first, id);
  await first.close();
  const store = await reopened(world);
  let steps = 0;
  for await (const step of store.compact(1)) {
    steps++;
    assert.equal(step.volume, 1);
    await Promise.all(ids.map((id) => assertHolds(store, id)));
  }
  assert.ok(steps > 20);
});

test("compaction: an erasure, or a put, that comes in the middle wins over the copy", async () => {
  const world = new BlockWorld({ copyBytesMax: 1 });
  const first = await world.open();
  for (const number of [1, 2, 3]) await put(first, block(number, 0));
  await first.close();
  const store = await reopened(world);
  const steps = store.compact(1);
  await steps.next();
  const rest = steps.next();
  await Promise.all([store.erase(content(1)), store.erase(content(2)), store.erase(content(3)), rest]);
  await put(store, block(3, 0));
  while ((await steps.next()).done !== true);
  for (const lose of [false, true]) {
    if (lose) world.loseIndex();
    const again = await reopened(world);
    await assertMissing(again, block(1, 0));
    await assertMissing(again, block(2, 0));
    await assertHolds(again, block(3, 0));
  }
});

test("S7: an erasure moves on while another volume holds what it hides, and goes with the last one", async () => {
  const world = new BlockWorld();
  const first = await world.open();
  await put(first, block(1, 0));
  await put(first, block(2, 0));
  await first.close();
  const second = await reopened(world);
  await put(second, block(3, 0));
  await second.erase(content(1));
  await second.close();
  const third = await reopened(world);
  await compact(third, 2);
  assert.ok(!hasVolume(world, 2));
  await third.close();
  world.loseIndex();
  const fourth = await reopened(world);
  await assertMissing(fourth, block(1, 0));
  await compact(fourth, 1);
  await fourth.close();
  const fifth = await reopened(world);
  await compactAll(fifth, 0);
  await fifth.close();
  const erasures = [...world.index.range({ from: Uint8Array.of(2), to: Uint8Array.of(3) })];
  assert.deepEqual(erasures, []);
  const last = await reopened(world);
  await assertMissing(last, block(1, 0));
  for (const number of [2, 3]) await assertHolds(last, block(number, 0));
});

test("S7: an erasure outlives the old needle of a block that was copied out of a volume that had to stay", async () => {
  const world = new BlockWorld();
  const first = await world.open();
  await put(first, block(2, 0), new Uint8Array(100));
  await put(first, block(1, 0));
  await first.close();
  rotFirstBody(world, 1);
  const second = await reopened(world);
  assert.equal(await compact(second, 1), "kept");
  await second.erase(content(1));
  await second.close();
  const third = await reopened(world);
  await put(third, block(3, 0));
  await compact(third, 2);
  await third.close();
  world.loseIndex();
  await assertMissing(await reopened(world), block(1, 0));
});

test("S8: an erasure outlives the needle in an old tail, whose copy it erased", async () => {
  const world = new BlockWorld();
  const first = await world.open();
  await put(first, block(1, 0));
  await put(first, block(2, 0));
  world.loseIndex();
  const second = await reopened(world);
  assert.equal(second.recovery.needlesCopied, 1);
  await second.erase(content(2));
  await second.close();
  const third = await reopened(world);
  await put(third, block(3, 0));
  await compact(third, 2);
  await third.close();
  world.loseIndex();
  const last = await reopened(world);
  await assertMissing(last, block(2, 0));
  await assertHolds(last, block(1, 0));
});

test("compaction: a volume with a block that cannot be read stays, until the block is put again", async () => {
  const world = new BlockWorld();
  const first = await world.open();
  const body = new Uint8Array(100).fill(1);
  await put(first, block(1, 0), body);
  await put(first, block(2, 0));
  await first.close();
  rotFirstBody(world, 1);
  const store = await reopened(world);
  assert.equal(await compact(store, 1), "kept");
  assert.deepEqual(store.compactionCandidates(0), []);
  await assertHolds(store, block(2, 0));
  await assert.rejects(store.read(block(1, 0)), isBlockError("corrupt"));
  await put(store, block(1, 0), body);
  assert.equal(await compact(store, 1), "removed");
  await assertHolds(store, block(1, 0), body);
});

test("compaction: one at a time, and a caller that leaves lets the next one in", async () => {
  const world = new BlockWorld();
  const first = await world.open();
  await put(first, block(1, 0));
  await first.close();
  const store = await reopened(world);
  const steps = store.compact(1);
  await steps.next();
  await assert.rejects(store.compact(1).next(), isBlockError("busy"));
  await steps.return("kept");
  assert.equal(await compact(store, 1), "removed");
  await assertHolds(store, block(1, 0));
});

test("scrub: every block is read, and the damaged ones are told and can be put again", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await put(store, block(1, 0), new Uint8Array(100));
  for (const number of [2, 3, 4]) await put(store, block(number, 0));
  rotFirstBody(world, 1);
  const found: string[] = [];
  for await (const { id, outcome } of store.scrub()) found.push(`${id.content.attempt} ${outcome}`);
  assert.deepEqual(found, ["1 corrupt", "2 whole", "3 whole", "4 whole"]);
  assert.equal(store.has(block(1, 0)), false);
  assert.equal(store.stat(block(1, 0))?.damaged, true);
  await put(store, block(1, 0), new Uint8Array(100));
  const after: string[] = [];
  for await (const { id, outcome } of store.scrub(block(2, 0)))
    after.push(`${id.content.attempt} ${outcome}`);
  assert.deepEqual(after, ["3 whole", "4 whole"]);
  await assertHolds(store, block(1, 0), new Uint8Array(100));
});
