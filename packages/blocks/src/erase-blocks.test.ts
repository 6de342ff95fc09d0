import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlockStore } from "./block-store.ts";
import {
  assertHolds,
  assertMissing,
  BlockWorld,
  block,
  compact,
  compactAll,
  content,
  isBlockError,
  put,
} from "./block-world.test.ts";

async function reopened(world: BlockWorld): Promise<BlockStore> {
  world.kill();
  return world.open();
}

function erasures(world: BlockWorld): readonly unknown[] {
  return [...world.index.range({ from: Uint8Array.of(2), to: Uint8Array.of(3) })];
}

test("erasing blocks: takes those alone, durably, and counts them", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  for (let sequence = 0; sequence < 4; sequence++) await put(store, block(1, sequence), new Uint8Array(100));
  const gone = [block(1, 1), block(1, 3), block(1, 9), block(2, 0)];
  assert.deepEqual(await store.eraseBlocks(gone), { blocks: 2, bytes: 200 });
  assert.deepEqual(store.blocksOf(content(1)), [block(1, 0), block(1, 2)]);
  for (const lose of [false, true]) {
    if (lose) world.loseIndex();
    const again = await reopened(world);
    for (const sequence of [0, 2]) await assertHolds(again, block(1, sequence), new Uint8Array(100));
    for (const id of gone) await assertMissing(again, id);
    assert.equal(again.usage().blocks, 2);
  }
});

test("erasing blocks: one that is put again is a new block, also while it is erased", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await put(store, block(1, 0));
  await Promise.all([store.eraseBlocks([block(1, 0)]), put(store, block(1, 0)), put(store, block(1, 1))]);
  for (const lose of [false, true]) {
    if (lose) world.loseIndex();
    const again = await reopened(world);
    for (const sequence of [0, 1]) await assertHolds(again, block(1, sequence));
  }
});

test("erasing blocks: beside an erasure of their content, in either order, nothing comes back", async () => {
  for (const isFirst of [true, false]) {
    const world = new BlockWorld();
    const store = await world.open();
    for (const sequence of [0, 1]) await put(store, block(1, sequence));
    const calls = [() => store.eraseBlocks([block(1, 0)]), () => store.erase(content(1))];
    await Promise.all((isFirst ? calls : calls.reverse()).map((call) => call()));
    await put(store, block(1, 1));
    world.loseIndex();
    const again = await reopened(world);
    await assertMissing(again, block(1, 0));
    await assertHolds(again, block(1, 1));
  }
});

test("S7: erasing blocks: the erasure outlives every older needle of its block, and goes with the last one", async () => {
  const world = new BlockWorld();
  const first = await world.open();
  for (const number of [1, 2]) await put(first, block(number, 0));
  await first.close();
  const second = await reopened(world);
  await put(second, block(3, 0));
  await second.eraseBlocks([block(1, 0)]);
  await second.close();
  const third = await reopened(world);
  assert.equal(await compact(third, 2), "removed");
  await third.close();
  world.loseIndex();
  const fourth = await reopened(world);
  await assertMissing(fourth, block(1, 0));
  assert.equal(await compact(fourth, 1), "removed");
  await fourth.close();
  const fifth = await reopened(world);
  await compactAll(fifth, 0);
  await fifth.close();
  assert.deepEqual(erasures(world), []);
  const last = await reopened(world);
  await assertMissing(last, block(1, 0));
  for (const number of [2, 3]) await assertHolds(last, block(number, 0));
});

test("S7: erasing blocks: the erasure of one that came back goes too, when nothing is left that it hides", async () => {
  const world = new BlockWorld();
  const first = await world.open();
  await put(first, block(1, 0));
  await put(first, block(2, 0));
  await first.close();
  const second = await reopened(world);
  await second.eraseBlocks([block(1, 0)]);
  await put(second, block(1, 0));
  assert.equal(erasures(world).length, 0, "in the buffer alone");
  await second.close();
  const third = await reopened(world);
  assert.equal(erasures(world).length, 1);
  assert.equal(await compact(third, 1), "removed");
  await third.close();
  const fourth = await reopened(world);
  await compactAll(fourth, 0);
  await fourth.close();
  assert.deepEqual(erasures(world), []);
  world.loseIndex();
  const last = await reopened(world);
  for (const number of [1, 2]) await assertHolds(last, block(number, 0));
});

test("erasing blocks: refused when the store is closed", async () => {
  const store = await new BlockWorld().open();
  await store.close();
  await assert.rejects(store.eraseBlocks([block(1, 0)]), isBlockError("closed"));
});
