import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertHolds,
  assertMissing,
  BlockWorld,
  block,
  bodyOf,
  compact,
  content,
  isBlockError,
  put,
} from "./block-world.test.ts";

const volumes = /\.vol$/;

test("S11: after a failed sync nothing is written any more, and reads go on", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await put(store, block(1, 0));
  world.disk.failNextSync(volumes);
  const results = await Promise.allSettled([put(store, block(2, 0)), put(store, block(3, 0))]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  await assert.rejects(put(store, block(2, 0)), isBlockError("poisoned"));
  await assert.rejects(store.erase(content(1)), isBlockError("poisoned"));
  await assertHolds(store, block(1, 0));
  await assertMissing(store, block(2, 0));
  assert.ok(world.events().includes("block-store-poisoned"));
  await store.close();
});

test("S8: what a failed sync left in the page cache is made durable by the next start, or is not seen by it", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new BlockWorld({ seed });
    const first = await world.open();
    await put(first, block(1, 0));
    world.disk.failNextSync(volumes);
    await assert.rejects(put(first, block(2, 0)), isBlockError("poisoned"));
    world.kill();
    const second = await world.open();
    const wasThere = second.has(block(2, 0));
    world.powerLoss();
    const third = await world.open();
    await assertHolds(third, block(1, 0));
    await (wasThere ? assertHolds(third, block(2, 0)) : assertMissing(third, block(2, 0)));
  }
});

test("S11: a failed write poisons like a failed sync", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await put(store, block(1, 0));
  world.disk.failNext("write", volumes);
  await assert.rejects(put(store, block(2, 0)), isBlockError("poisoned"));
  await assertHolds(store, block(1, 0));
});

test("S11: a failed flush of the index poisons, and the volumes have it all", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await put(store, block(1, 0));
  world.index.failNextFlush();
  await assert.rejects(store.flushIndex(), isBlockError("poisoned"));
  await assert.rejects(put(store, block(2, 0)), isBlockError("poisoned"));
  await assertHolds(store, block(1, 0));
  world.powerLoss();
  await assertHolds(await world.open(), block(1, 0));
});

test("disk full: the put fails without a trace, and the store goes on when there is space again", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await put(store, block(1, 0));
  world.disk.capacityBytes = 12 * 1024 + bodyOf(block(1, 0)).length;
  const large = new Uint8Array(20_000).fill(1);
  const small = new Uint8Array(1000).fill(2);
  const puts = [put(store, block(2, 0), small), put(store, block(2, 1), large)];
  for (const result of await Promise.allSettled(puts)) {
    assert.ok(result.status === "rejected" && isBlockError("no-space")(result.reason));
  }
  await assertMissing(store, block(2, 0));
  await put(store, block(3, 0), small);
  world.disk.capacityBytes = 2 ** 30;
  await put(store, block(2, 1), large);
  world.powerLoss();
  world.loseIndex();
  const next = await world.open();
  await assertHolds(next, block(1, 0));
  await assertMissing(next, block(2, 0));
  await assertHolds(next, block(3, 0), small);
  await assertHolds(next, block(2, 1), large);
});

test("disk full: no volume can be made, until there is space again", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  world.disk.capacityBytes = 1000;
  await assert.rejects(put(store, block(1, 0)), isBlockError("no-space"));
  await assert.rejects(put(store, block(1, 0)), isBlockError("no-space"));
  world.disk.capacityBytes = 2 ** 30;
  await put(store, block(1, 0));
  world.powerLoss();
  const next = await world.open();
  await assertHolds(next, block(1, 0));
  assert.equal(next.usage().volumes, 2);
});

test("file handles: without any, puts and reads are told to come again", async () => {
  const world = new BlockWorld({ volumeBytesMax: 8192, filesOpenMax: 1 });
  const store = await world.open();
  for (const number of [1, 2]) await put(store, block(number, 0));
  await assertHolds(store, block(2, 0));
  const filesOpenMax = world.disk.filesOpenMax;
  world.disk.filesOpenMax = 0;
  await assert.rejects(store.read(block(1, 0)), isBlockError("busy"));
  await assert.rejects(put(store, block(3, 0)), isBlockError("busy"));
  await assert.rejects(compact(store, 1), isBlockError("busy"));
  world.disk.filesOpenMax = filesOpenMax;
  await put(store, block(3, 0));
  for (const number of [1, 2, 3]) await assertHolds(store, block(number, 0));
  assert.equal(await compact(store, 1), "removed");
});

test("misdirected write: the block is corrupt, not another, and can be put again", async () => {
  for (const byBytes of [4096, 64, 512, -4096]) {
    const world = new BlockWorld();
    const store = await world.open();
    for (const number of [1, 2]) await put(store, block(number, 0), new Uint8Array(4000).fill(number));
    world.disk.misdirectNextWrite(byBytes, volumes);
    await put(store, block(3, 0), new Uint8Array(4000).fill(3));
    await assert.rejects(store.read(block(3, 0)), isBlockError("corrupt"));
    await assertHolds(store, block(1, 0), new Uint8Array(4000).fill(1));
    if (byBytes < 0) await assert.rejects(store.read(block(2, 0)), isBlockError("corrupt"));
    else await assertHolds(store, block(2, 0), new Uint8Array(4000).fill(2));
    await put(store, block(3, 0), new Uint8Array(4000).fill(3));
    await assertHolds(store, block(3, 0), new Uint8Array(4000).fill(3));
    world.powerLoss();
    await assertHolds(await world.open(), block(3, 0), new Uint8Array(4000).fill(3));
  }
});

test("S11: a sync that fails for want of space poisons too: what it lost is unknown", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await put(store, block(1, 0));
  world.disk.failNext("sync", volumes, "no-space");
  await assert.rejects(put(store, block(2, 0)), isBlockError("poisoned"));
});

test("disk full: whole needles of a group that did not fit are cut off", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await put(store, block(1, 0));
  world.disk.capacityBytes = 20 * 1024;
  const puts = [
    put(store, block(2, 0), new Uint8Array(1000)),
    put(store, block(2, 1), new Uint8Array(40_000)),
  ];
  for (const { status } of await Promise.allSettled(puts)) assert.equal(status, "rejected");
  world.disk.capacityBytes = 2 ** 30;
  world.kill();
  world.loseIndex();
  const next = await world.open();
  await assertMissing(next, block(2, 0));
  await assertHolds(next, block(1, 0));
});
