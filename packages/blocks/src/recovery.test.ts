import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, toHex } from "@holdfast/base";
import { DiskError } from "@holdfast/ports";
import { SimulatedKeyValue } from "@holdfast/ports/simulated";
import {
  assertHolds,
  assertMissing,
  BlockWorld,
  block,
  compact,
  content,
  folder,
  isBlockError,
  put,
} from "./block-world.test.ts";
import { volumeName } from "./volume-header.ts";

const firstVolume = `${folder}/00000001.vol`;
const firstNeedle = 4096;
const small: Uint8Array = new Uint8Array(100).fill(5);

/** Three blocks, each in a group of its own: the first two are proven by the third. */
async function threeBlocks(world: BlockWorld): Promise<void> {
  const store = await world.open();
  for (const number of [1, 2, 3]) await put(store, block(number, 0), small);
}

test("S7: without an index, the volumes give every block and hide every erased one", async () => {
  const world = new BlockWorld({ volumeBytesMax: 32 * 1024 });
  const store = await world.open();
  for (let number = 0; number < 30; number++) await put(store, block(number, 0));
  for (let number = 0; number < 30; number += 3) await store.erase(content(number));
  await store.close();
  const usage = store.usage();
  world.powerLoss();
  world.loseIndex();
  const next = await world.open();
  assert.ok(next.recovery.volumesScanned > 3);
  for (let number = 0; number < 30; number++) {
    await (number % 3 === 0 ? assertMissing(next, block(number, 0)) : assertHolds(next, block(number, 0)));
  }
  assert.equal(next.usage().blocks, usage.blocks);
  assert.equal(next.usage().liveBytes, usage.liveBytes);
});

test("S7: an index that is behind by volumes, erasures and a compaction catches up", async () => {
  const world = new BlockWorld();
  const first = await world.open();
  for (const number of [1, 2, 3]) await put(first, block(number, 0));
  await first.close();
  const old = world.index;
  world.index = new SimulatedKeyValue({ random: seededRandom(1) });
  const second = await world.open();
  await second.erase(content(1));
  await put(second, block(4, 0));
  await compact(second, 1);
  await second.close();
  world.index = old;
  const third = await world.open();
  await assertMissing(third, block(1, 0));
  for (const number of [2, 3, 4]) await assertHolds(third, block(number, 0));
  assert.equal(third.usage().blocks, 3);
});

test("S12: a damaged index entry is told apart from a missing block, and a rebuild brings it back", async () => {
  const world = new BlockWorld();
  await threeBlocks(world);
  world.kill();
  await (await world.open()).close();
  const [first] = world.index.range({ from: Uint8Array.of(1), to: Uint8Array.of(2), limit: 1 });
  assert.ok(first !== undefined);
  world.index.rot(first.key);
  world.kill();
  const store = await world.open();
  await assert.rejects(store.read(block(1, 0)), isBlockError("corrupt"));
  assert.equal(store.has(block(1, 0)), false);
  world.loseIndex();
  await assertHolds(await world.open(), block(1, 0), small);
});

test("S12: damaged volume and store records mean another scan, not another answer", async () => {
  for (const space of [3, 4]) {
    const world = new BlockWorld();
    await threeBlocks(world);
    world.kill();
    const store = await world.open();
    await store.erase(content(2));
    await store.close();
    for (const { key } of world.index.range({ from: Uint8Array.of(space), to: Uint8Array.of(space + 1) }))
      world.index.rot(key);
    world.kill();
    const next = await world.open();
    assert.ok(next.recovery.volumesScanned > 0);
    for (const number of [1, 3]) await assertHolds(next, block(number, 0), small);
    await assertMissing(next, block(2, 0));
    assert.equal(next.usage().blocks, 2);
  }
});

test("rot: whatever part of a needle it hits, the block is corrupt or gone, and the others are whole", async () => {
  for (let at = 0; at < 64 + small.length; at += at < 64 ? 1 : 9) {
    const world = new BlockWorld({ seed: at + 1 });
    await threeBlocks(world);
    world.kill();
    const store = await world.open();
    world.disk.rot(firstVolume, firstNeedle + at);
    await assert.rejects(store.read(block(1, 0)), isBlockError("corrupt"));
    for (const number of [2, 3]) await assertHolds(store, block(number, 0), small);
    world.kill();
    world.loseIndex();
    const rebuilt = await world.open();
    await assert.rejects(rebuilt.read(block(1, 0)), isBlockError(at < 64 ? "missing" : "corrupt"));
    for (const number of [2, 3]) await assertHolds(rebuilt, block(number, 0), small);
    if (at < 64)
      assert.ok(rebuilt.recovery.damagedBytes > 0 && world.events().includes("block-volume-damaged"));
    await put(rebuilt, block(1, 0), small);
    await assertHolds(rebuilt, block(1, 0), small);
  }
});

test("rot: a sector of the volume's header costs nothing; all of them cost the volume, and the file is kept", async () => {
  const world = new BlockWorld();
  await threeBlocks(world);
  world.kill();
  for (let sector = 0; sector < 7; sector++) world.disk.rot(firstVolume, 512 * sector + 20);
  const store = await world.open();
  await assertHolds(store, block(1, 0), small);
  world.disk.rot(firstVolume, 512 * 7 + 20);
  world.kill();
  const next = await world.open();
  await assert.rejects(next.read(block(1, 0)), isBlockError("corrupt"));
  assert.ok(world.events().includes("block-volume-unreadable"));
  assert.ok(world.disk.peek(firstVolume) !== undefined);
  await put(next, block(1, 0), small);
  await assertHolds(next, block(1, 0), small);
});

test("forgery: a needle inside a user's body never counts, even where its surroundings are damaged", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await put(store, block(1, 0), small);
  const needle = world.disk.peek(firstVolume)?.slice(firstNeedle, firstNeedle + 192);
  assert.ok(needle !== undefined);
  await store.erase(content(1));
  const place = world.disk.peek(firstVolume)?.length ?? 0;
  await put(store, block(2, 0), needle);
  await put(store, block(3, 0), small);
  world.disk.rot(firstVolume, place + 10);
  world.kill();
  world.loseIndex();
  const next = await world.open();
  await assertMissing(next, block(1, 0));
  await assertMissing(next, block(2, 0));
  await assertHolds(next, block(3, 0), small);
});

test("an unreadable sector costs its needle, not the start", async () => {
  const world = new BlockWorld();
  await threeBlocks(world);
  world.kill();
  world.loseIndex();
  let isBroken = false;
  const disk = world.disk.mount();
  const broken: typeof disk = {
    ...disk,
    open: async (path, mode, options) => {
      const file = await disk.open(path, mode, options);
      if (path !== firstVolume) return file;
      const read: typeof file.read = async (offset, length) => {
        const hits = offset < firstNeedle + 512 && offset + length > firstNeedle;
        if (!hits) return file.read(offset, length);
        isBroken = true;
        throw new DiskError("io", path, "medium error");
      };
      return { ...file, read };
    },
  };
  const next = await world.open({ disk: broken });
  assert.ok(isBroken);
  await assertMissing(next, block(1, 0));
  for (const number of [2, 3]) await assertHolds(next, block(number, 0), small);
});

test("a start writes nothing where nothing is to be recovered, and makes no volume", async () => {
  const operations: string[] = [];
  const world = new BlockWorld({ beforeOperation: (name) => operations.push(name) });
  await threeBlocks(world);
  world.kill();
  await (await world.open()).close();
  operations.length = 0;
  world.kill();
  const store = await world.open();
  assert.deepEqual(
    operations.filter((name) => ["write", "sync", "index write"].includes(name)),
    [],
  );
  assert.deepEqual(store.recovery, {
    volumesScanned: 0,
    needlesFound: 0,
    needlesCopied: 0,
    tornBytes: 0,
    damagedBytes: 0,
  });
});

test("S8: only the tail behind the last proven sync point is copied", async () => {
  const world = new BlockWorld();
  await threeBlocks(world);
  world.powerLoss();
  world.loseIndex();
  const store = await world.open();
  assert.equal(store.recovery.needlesFound, 3);
  assert.equal(store.recovery.needlesCopied, 1);
  assert.equal(store.usage().blocks, 3);
});

test("identity: the incarnation stays, also when its file is lost", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await put(store, block(1, 0));
  await store.close();
  await world.disk.remove(`${folder}/identity`);
  world.kill();
  const next = await world.open();
  assert.equal(toHex(next.incarnation), toHex(store.incarnation));
});

/** Copies the first volume of `from` into `to`. */
async function copyVolume(from: BlockWorld, to: BlockWorld, number: number): Promise<void> {
  const file = await to.disk.open(`${folder}/${volumeName(number)}`, "create");
  await file.write(0, [from.disk.peek(firstVolume) ?? small]);
}

test("identity: a volume of another store is refused", async () => {
  const world = new BlockWorld();
  await threeBlocks(world);
  const other = new BlockWorld({ seed: 2 });
  await other.open();
  await copyVolume(world, other, 1);
  await assert.rejects(other.open(), isBlockError("unusable"));
});

test("identity: a volume under another's name is left alone and reported", async () => {
  const world = new BlockWorld();
  await threeBlocks(world);
  await copyVolume(world, world, 5);
  world.kill();
  const store = await world.open();
  assert.equal(store.usage().blocks, 3);
  assert.ok(world.events().includes("block-volume-misplaced"));
});

test("identity: an index of another store is not believed", async () => {
  const world = new BlockWorld();
  await threeBlocks(world);
  const other = new BlockWorld({ seed: 2 });
  const store = await other.open();
  await put(store, block(9, 0));
  await store.close();
  world.index = other.index;
  const next = await world.open();
  await assertMissing(next, block(9, 0));
  for (const number of [1, 2, 3]) await assertHolds(next, block(number, 0), small);
  assert.ok(world.events().includes("block-index-foreign"));
});
