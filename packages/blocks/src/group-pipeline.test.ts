import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk, DiskFile } from "@holdfast/ports";
import {
  assertHolds,
  assertMissing,
  BlockWorld,
  block,
  content,
  isBlockError,
  put,
} from "./block-world.test.ts";

/** Holds syncs of volumes back until they are let go, one by one; writes go through. */
class HeldSyncs {
  readonly calls: string[] = [];
  readonly #waiting: (() => void)[] = [];
  isHolding = false;

  over(disk: Disk): Disk {
    return {
      memory: disk.memory,
      open: async (path, mode, options) => this.#held(await disk.open(path, mode, options)),
      list: (path) => disk.list(path),
      makeFolder: (path) => disk.makeFolder(path),
      rename: (from, to) => disk.rename(from, to),
      remove: (path) => disk.remove(path),
      syncDirectory: (path) => disk.syncDirectory(path),
      space: () => disk.space(),
      lock: () => disk.lock(),
    };
  }

  /** Resolves when so many calls were made. */
  async reached(calls: number): Promise<void> {
    for (let turn = 0; this.calls.length < calls; turn++) {
      assert.ok(turn < 1000, `only ${this.calls.join(", ")}`);
      await turnOfLoop();
    }
  }

  letOneGo(): void {
    this.#waiting.shift()?.();
  }

  letAllGo(): void {
    this.isHolding = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  #held(file: DiskFile): DiskFile {
    return {
      path: file.path,
      read: (offset, length) => file.read(offset, length),
      readInto: (offset, target, pastCache) => file.readInto(offset, target, pastCache),
      write: (offset, buffers) => {
        this.calls.push("write");
        return file.write(offset, buffers);
      },
      sync: async () => {
        this.calls.push("sync");
        if (this.isHolding) await new Promise<void>((resolve) => this.#waiting.push(resolve));
        await file.sync();
      },
      size: () => file.size(),
      truncate: (bytes) => file.truncate(bytes),
      close: () => file.close(),
    };
  }
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function heldWorld(): Promise<{
  readonly world: BlockWorld;
  readonly syncs: HeldSyncs;
  readonly store: Awaited<ReturnType<BlockWorld["open"]>>;
}> {
  const world = new BlockWorld();
  const syncs = new HeldSyncs();
  const store = await world.open({ disk: syncs.over(world.disk.mount()) });
  // The volume is made by the first put.
  await put(store, block(1, 0));
  syncs.calls.length = 0;
  syncs.isHolding = true;
  return { world, syncs, store };
}

test("group writer: a group is written while the one before it is synced, and answered after its own sync", async () => {
  const { syncs, store } = await heldWorld();
  const answered: number[] = [];
  const first = put(store, block(2, 0)).then(() => answered.push(1));
  await syncs.reached(2);
  const second = put(store, block(3, 0)).then(() => answered.push(2));
  await syncs.reached(3);
  assert.deepEqual(syncs.calls, ["write", "sync", "write"]);
  syncs.letOneGo();
  await syncs.reached(4);
  await first;
  for (let i = 0; i < 10; i++) await turnOfLoop();
  assert.deepEqual(answered, [1]);
  await assertMissing(store, block(3, 0));
  syncs.letOneGo();
  await second;
  assert.deepEqual(syncs.calls, ["write", "sync", "write", "sync"]);
  await assertHolds(store, block(3, 0));
});

test("S11: a failed sync also refuses the group that was written behind it meanwhile", async () => {
  const { world, syncs, store } = await heldWorld();
  const first = put(store, block(2, 0));
  await syncs.reached(2);
  const second = put(store, block(3, 0));
  await syncs.reached(3);
  world.disk.failNextSync(/\.vol$/);
  syncs.letAllGo();
  await assert.rejects(first, isBlockError("poisoned"));
  await assert.rejects(second, isBlockError("poisoned"));
  assert.deepEqual(syncs.calls, ["write", "sync", "write"]);
});

test("group writer: an erasure sees the block whose sync it has overtaken", async () => {
  const { world, syncs, store } = await heldWorld();
  const putting = put(store, block(2, 0));
  await syncs.reached(2);
  const erasing = store.erase(content(2));
  for (let i = 0; i < 10; i++) await turnOfLoop();
  syncs.letAllGo();
  await putting;
  assert.equal((await erasing).blocks, 1);
  await assertMissing(store, block(2, 0));
  world.powerLoss();
  world.loseIndex();
  await assertMissing(await world.open(), block(2, 0));
});

test("disk full: a group that does not fit is cut off, and the one being synced before it stays", async () => {
  const { world, syncs, store } = await heldWorld();
  const body = new Uint8Array(5000).fill(1);
  const first = put(store, block(2, 0), body);
  await syncs.reached(2);
  const { totalBytes, freeBytes } = await world.disk.mount().space();
  world.disk.capacityBytes = totalBytes - freeBytes + 1000;
  const second = put(store, block(3, 0), body);
  await assert.rejects(second, isBlockError("no-space"));
  syncs.letAllGo();
  await first;
  world.disk.capacityBytes = 2 ** 30;
  await put(store, block(4, 0), body);
  world.powerLoss();
  world.loseIndex();
  const next = await world.open();
  await assertHolds(next, block(2, 0), body);
  await assertMissing(next, block(3, 0));
  await assertHolds(next, block(4, 0), body);
});
