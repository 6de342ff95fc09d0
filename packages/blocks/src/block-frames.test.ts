import assert from "node:assert/strict";
import { test } from "node:test";
import { KiB, MiB, seededRandom } from "@holdfast/base";
import type { BlockFrames } from "./block-frames.ts";
import type { BlockStore } from "./block-store.ts";
import { assertHolds, BlockWorld, block, compact, folder, put } from "./block-world.test.ts";

const random = seededRandom(3);
const largeBodies = [256 * KiB, 256 * KiB + 1, 700_000, MiB - 1, MiB].map((length) => random.bytes(length));

/** In memory that was used before. */
function framed(frames: BlockFrames, bytes: Uint8Array): Uint8Array {
  const body = frames.take(bytes.length);
  frames.around(body)?.fill(0xaa);
  frames.fill(body, 0, bytes);
  return body;
}

/** Stores them together with small ones between, all of one group. */
async function putMixed(store: BlockStore): Promise<void> {
  await Promise.all(
    largeBodies.flatMap((bytes, i) => [
      put(store, block(1, 2 * i), framed(store.frames, bytes)),
      put(store, block(1, 2 * i + 1)),
    ]),
  );
}

async function assertHoldsMixed(store: BlockStore): Promise<void> {
  for (const [i, bytes] of largeBodies.entries()) {
    await assertHolds(store, block(1, 2 * i), bytes);
    await assertHolds(store, block(1, 2 * i + 1));
  }
}

test("frames: blocks in frames and gathered ones share a group; all survive a power loss and the loss of the index", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  await putMixed(store);
  await assertHoldsMixed(store);
  world.powerLoss();
  world.loseIndex();
  const next = await world.open();
  await assertHoldsMixed(next);
  assert.equal(next.recovery.damagedBytes + next.recovery.tornBytes, 0);
  assert.deepEqual(
    world.journal.lines.filter(({ level }) => level === "error"),
    [],
  );
});

test("frames: a block in a frame is written as whole pages, header and all, from where it lies", async () => {
  const world = new BlockWorld();
  const writes: { readonly offset: number; readonly buffers: readonly Uint8Array[] }[] = [];
  const disk = world.disk.mount();
  const store = await world.open({
    disk: {
      ...disk,
      open: async (path, mode, options) => {
        const file = await disk.open(path, mode, options);
        assert.equal(options?.pastCache === true, mode === "create" && path.endsWith(".vol"));
        const write = (offset: number, buffers: readonly Uint8Array[]): Promise<void> => {
          writes.push({ offset, buffers });
          return file.write(offset, buffers);
        };
        return { ...file, write };
      },
    },
  });
  await put(store, block(1, 0), Uint8Array.of(1));
  writes.length = 0;
  const body = framed(store.frames, largeBodies[2] ?? Uint8Array.of());
  await put(store, block(1, 1), body);
  const [write] = writes;
  assert.equal(writes.length, 1);
  assert.equal(write?.buffers.length, 1);
  assert.equal(write.buffers[0]?.buffer, body.buffer);
  assert.equal(write.offset % 4096, 0);
  assert.equal(write.buffers[0].length % 4096, 0);
});

test("frames: one body stored under two ids at once is right under both", async () => {
  const world = new BlockWorld();
  const store = await world.open();
  const body = framed(store.frames, random.bytes(MiB));
  await Promise.all([put(store, block(1, 0), body), put(store, block(2, 0), body)]);
  await assertHolds(store, block(1, 0), body);
  await assertHolds(store, block(2, 0), body);
});

test("frames: compaction moves blocks that were stored in frames, as they were", async () => {
  const world = new BlockWorld({ volumeBytesMax: 4 * MiB });
  const store = await world.open();
  await putMixed(store);
  assert.ok(await store.retireActive(0).then(() => store.usage().volumes >= 1));
  await put(store, block(9, 0), framed(store.frames, random.bytes(MiB)));
  await compact(store, 1);
  assert.equal(world.disk.peek(`${folder}/00000001.vol`), undefined);
  await assertHoldsMixed(store);
});

test("frames: memory is used again once it is recycled, never before, and no more is kept than asked for", async () => {
  const store = await new BlockWorld({ frameSizes: { framedBytesMin: MiB, keptBytesMax: 2 * MiB } }).open();
  const { frames } = store;
  const bodies = [1, 2, 3].map(() => frames.take(MiB));
  assert.equal(new Set(bodies.map(({ buffer }) => buffer)).size, 3);
  for (const body of bodies) frames.recycle(body.subarray(10));
  const again = [1, 2].map(() => frames.take(MiB));
  assert.equal(again.filter(({ buffer }) => bodies.some((body) => body.buffer === buffer)).length, 1);
  assert.notEqual(again[0]?.buffer, again[1]?.buffer);
});

test("frames: a body that was recycled lies in no frame any more", async () => {
  const { frames } = await new BlockWorld().open();
  const body = frames.take(MiB);
  assert.ok(frames.around(body) !== undefined);
  assert.equal(frames.around(body.subarray(1)), undefined);
  frames.recycle(body);
  assert.equal(frames.around(body), undefined);
  frames.recycle(new Uint8Array(5));
});
