import assert from "node:assert/strict";
import { test } from "node:test";
import { assertHolds, BlockWorld, block, compactAll, content, folder, put } from "./block-world.test.ts";
import { volumeName } from "./volume-header.ts";

const body = new Uint8Array(4000);

test("retiring: an active volume that is wholly dead is ended and goes, and the next put begins another one", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await put(store, block(1, 0), body);
  assert.equal(await store.retireActive(), false, "it is live");
  await store.erase(content(1));
  assert.equal(await store.retireActive(), true);
  await compactAll(store);
  assert.deepEqual(store.usage(), { volumes: 0, liveBytes: 0, deadBytes: 0, blocks: 0 });
  assert.equal(world.disk.peek(`${folder}/${volumeName(1)}`), undefined);
  await put(store, block(2, 0), body);
  await assertHolds(store, block(2, 0), body);
});

test("retiring: one that is mostly dead goes only with enough dead bytes", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  for (const number of [1, 2, 3]) await put(store, block(number, 0), body);
  await store.erase(content(1));
  await store.erase(content(2));
  assert.equal(await store.retireActive(1_000_000), false);
  assert.equal(await store.retireActive(8000), true);
  await compactAll(store);
  await assertHolds(store, block(3, 0), body);
  assert.equal(store.usage().volumes, 1);
});

test("retiring: erasures that still hide something do not go from volume to volume for ever", async () => {
  const world = new BlockWorld();
  const first = await world.open();
  for (const number of [1, 2, 3]) await put(first, block(number, 0), body);
  await first.close();
  world.kill();
  const second = await world.open();
  await second.erase(content(1));
  let retired = 0;
  for (let round = 0; round < 10; round++) {
    if (await second.retireActive()) retired++;
    await compactAll(second);
  }
  assert.equal(retired, 0, "the erasure hides a block of the first volume, which is mostly live");
  assert.equal(second.usage().volumes, 2);
  await second.erase(content(2));
  await second.erase(content(3));
  for (let round = 0; round < 2; round++) {
    await second.retireActive();
    await compactAll(second);
  }
  assert.equal(second.usage().volumes, 0);
});

test("retiring: not while something is being written, whose volume it would take away", async () => {
  let onWrite = (): void => undefined;
  const beforeOperation = (name: string): void => (name === "write" ? onWrite() : undefined);
  const world = new BlockWorld({ beforeOperation });
  const store = await world.open();
  await put(store, block(1, 0), body);
  await store.erase(content(1));
  const asked: Promise<boolean>[] = [];
  onWrite = () => void asked.push(store.retireActive());
  await put(store, block(2, 0), body);
  assert.deepEqual(await Promise.all(asked), [false]);
  await assertHolds(store, block(2, 0), body);
});
