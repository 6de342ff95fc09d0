import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "@holdfast/base";
import {
  assertHolds,
  assertMissing,
  BlockWorld,
  block,
  bodyOf,
  content,
  isBlockError,
  put,
} from "./block-world.test.ts";

test("put: what was acknowledged is read back, with its checksum", async () => {
  const store = await new BlockWorld().open();
  await Promise.all([0, 1, 2, 3].map((sequence) => put(store, block(1, sequence))));
  for (const sequence of [0, 1, 2, 3]) await assertHolds(store, block(1, sequence));
  await assertMissing(store, block(1, 4));
  assert.equal(store.usage().blocks, 4);
});

test("put: an empty body is a block like any other", async () => {
  const store = await new BlockWorld().open();
  await put(store, block(1, 0), new Uint8Array(0));
  await assertHolds(store, block(1, 0), new Uint8Array(0));
});

test("put: puts that come together share a write and a sync", async () => {
  const operations: string[] = [];
  const store = await new BlockWorld({ beforeOperation: (name) => operations.push(name) }).open();
  await put(store, block(1, 0));
  operations.length = 0;
  await Promise.all([1, 2, 3, 4, 5].map((sequence) => put(store, block(1, sequence))));
  assert.deepEqual(operations, ["write", "sync"]);
});

test("put: a body that is not what its checksum says is refused", async () => {
  const store = await new BlockWorld().open();
  await assert.rejects(
    store.put(block(1, 0), Uint8Array.of(1, 2), crc32(Uint8Array.of(1))),
    isBlockError("refused"),
  );
  await assertMissing(store, block(1, 0));
});

test("put: an id whose numbers do not fit its key is refused", async () => {
  const store = await new BlockWorld().open();
  await assert.rejects(
    put(store, { ...block(1, 0), part: 2 ** 32 }, Uint8Array.of(1)),
    isBlockError("refused"),
  );
});

test("put: the same body again is fine and takes no space", async () => {
  const store = await new BlockWorld().open();
  await Promise.all([put(store, block(1, 0)), put(store, block(1, 0))]);
  const before = store.usage();
  await put(store, block(1, 0));
  assert.deepEqual(store.usage(), before);
  assert.equal(before.blocks, 1);
});

test("S1: another body under a stored id is refused and reported, also while the first is on its way", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  const first = put(store, block(1, 0), Uint8Array.of(1));
  await assert.rejects(put(store, block(1, 0), Uint8Array.of(2)), isBlockError("conflict"));
  await first;
  await assert.rejects(put(store, block(1, 0), Uint8Array.of(3)), isBlockError("conflict"));
  await assertHolds(store, block(1, 0), Uint8Array.of(1));
  assert.equal(world.events().filter((event) => event === "block-conflict").length, 2);
});

test("listing: contents and their blocks come in the order of their keys, page by page", async () => {
  const store = await new BlockWorld().open();
  for (const number of [5, 300, 1, 70])
    await Promise.all([2, 0, 1].map((sequence) => put(store, block(number, sequence))));
  assert.deepEqual(store.contents(undefined, 10), [1, 5, 70, 300].map(content));
  assert.deepEqual(store.contents(content(1), 2), [5, 70].map(content));
  assert.deepEqual(store.contents(content(300), 2), []);
  assert.deepEqual(
    store.blocksOf(content(5)),
    [0, 1, 2].map((sequence) => block(5, sequence)),
  );
  assert.deepEqual(store.blocksOf(content(5), block(5, 0), 1), [block(5, 1)]);
});

test("erase: the blocks of the content are gone, the others stay", async () => {
  const store = await new BlockWorld().open();
  await Promise.all([block(1, 0), block(1, 1), block(2, 0)].map((id) => put(store, id)));
  const bytes = bodyOf(block(1, 0)).length + bodyOf(block(1, 1)).length;
  assert.deepEqual(await store.erase(content(1)), { blocks: 2, bytes });
  await assertMissing(store, block(1, 0));
  await assertMissing(store, block(1, 1));
  await assertHolds(store, block(2, 0));
  assert.deepEqual(store.contents(undefined, 10), [content(2)]);
});

test("erase: of a content without blocks here writes nothing", async () => {
  const operations: string[] = [];
  const store = await new BlockWorld({ beforeOperation: (name) => operations.push(name) }).open();
  operations.length = 0;
  assert.deepEqual(await store.erase(content(1)), { blocks: 0, bytes: 0 });
  assert.deepEqual(operations, []);
});

test("erase: takes the puts that came before it, and none that comes after", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  const early = put(store, block(1, 0));
  const erased = store.erase(content(1));
  const late = put(store, block(1, 0));
  await early;
  assert.equal((await erased).blocks, 1);
  await late;
  await assertHolds(store, block(1, 0));
  world.powerLoss();
  world.loseIndex();
  await assertHolds(await world.open(), block(1, 0));
});

test("erase: a content of thousands of blocks is taken out in slices", async () => {
  const store = await new BlockWorld().open();
  const ids = Array.from({ length: 2500 }, (_, sequence) => block(1, sequence));
  await Promise.all(ids.map((id) => put(store, id, Uint8Array.of(1))));
  assert.equal((await store.erase(content(1))).blocks, 2500);
  assert.deepEqual(store.blocksOf(content(1)), []);
  assert.equal(store.usage().blocks, 0);
});

test("backpressure: queued bodies are bounded, and all are stored in the end", async () => {
  const writes: number[] = [];
  const world = new BlockWorld({ queueBytesMax: 10_000, groupBytesMax: 100_000 });
  const store = await world.open({ disk: countingDisk(world, writes) });
  const ids = Array.from({ length: 40 }, (_, sequence) => block(1, sequence));
  await Promise.all(ids.map((id) => put(store, id, new Uint8Array(2000).fill(id.sequence))));
  assert.ok(Math.max(...writes) <= 10_000 + 4096, `one write took ${Math.max(...writes)} bytes`);
  for (const id of ids) await assertHolds(store, id, new Uint8Array(2000).fill(id.sequence));
});

function countingDisk(world: BlockWorld, writes: number[]): BlockWorld["disk"] {
  const disk = world.disk;
  const open = disk.open.bind(disk);
  disk.open = async (path, mode, options) => {
    const file = await open(path, mode, options);
    return {
      ...file,
      write: (offset, buffers) => {
        writes.push(buffers.reduce((sum, buffer) => sum + buffer.length, 0));
        return file.write(offset, buffers);
      },
    };
  };
  return disk;
}

test("volumes: a full one is followed by the next, and all stay readable with few open files", async () => {
  const world = new BlockWorld({ volumeBytesMax: 16 * 1024, filesOpenMax: 2 });
  const store = await world.open();
  const ids = Array.from({ length: 30 }, (_, sequence) => block(1, sequence));
  for (const id of ids) await put(store, id);
  assert.ok(store.usage().volumes > 5);
  await Promise.all(ids.map((id) => assertHolds(store, id)));
});

test("close: waits for puts under way, then refuses everything", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  const under = put(store, block(1, 0));
  await store.close();
  await under;
  await assert.rejects(put(store, block(1, 1)), isBlockError("closed"));
  await assert.rejects(store.read(block(1, 0)), isBlockError("closed"));
  const next = await world.open();
  assert.equal(next.recovery.volumesScanned, 0);
  await assertHolds(next, block(1, 0));
});
