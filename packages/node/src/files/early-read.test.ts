import assert from "node:assert/strict";
import { test } from "node:test";
import { bucketId, StoreError, shardId, utf8, utf8Text } from "@holdfast/base";
import { unconditional } from "@holdfast/namespace";
import { MemoryState } from "@holdfast/ports";
import { ClusterMachines } from "../../test-support/cluster-machines.ts";
import type { ShardQuestion } from "../shard-reads/shard-question.ts";
import type { ShardReplica } from "../shard-replica.ts";
import { askForFile } from "./early-read.ts";

test("early read: a reader that has to ask a quorum for bucket and shard asks both at once", async () => {
  const world = await ClusterMachines.start(3);
  await world.settled();
  const { files } = world.node(0);
  await world.run(files.createBucket({ name: "b-1", owner: "tests" }));
  for (let i = 0; i < 4; i++) await world.run(world.storeFile(0, `f-${i}`, utf8(`${i}`)));
  const reader = await followerOfAll(world);
  await world.run(world.readFile(reader, "f-0"));
  const bucketMs = await meanMs(world, () => world.node(reader).files.bucket("b-1"));
  const fileMs = await meanMs(world, (i) => world.readFile(reader, `f-${i % 4}`));
  assert.ok(bucketMs > 0.5, `one barrier takes ${bucketMs} ms`);
  assert.ok(fileMs < 1.6 * bucketMs, `${fileMs} ms with two barriers, ${bucketMs} ms with one`);
  await world.stop();
});

test("early read: what a node read before does not keep it from seeing the bucket go and come again", async () => {
  const world = await ClusterMachines.start(3);
  await world.settled();
  const reader = await followerOfAll(world);
  const writer = (reader + 1) % 3;
  const { files } = world.node(writer);
  const key = "f";
  for (let i = 0; i < 4; i++) {
    await world.run(files.createBucket({ name: "b-1", owner: "tests" }));
    const missing = await world.run(world.readFile(reader, key).catch((error: unknown) => error));
    assert.ok(missing instanceof StoreError && missing.code === "FileNotFound", String(missing));
    await world.run(world.storeFile(writer, key, utf8(`${i}`)));
    assert.equal(utf8Text(await world.run(world.readFile(reader, key))), `${i}`);
    await world.run(files.deleteFile({ bucket: "b-1", key, condition: unconditional }));
    await world.run(files.deleteBucket("b-1"));
    const gone = await world.run(world.readFile(reader, key).catch((error: unknown) => error));
    assert.ok(gone instanceof StoreError && gone.code === "BucketNotFound", String(gone));
  }
  await world.stop();
});

test("early read: one of another bucket of that name, or of another shard, is of no use", async () => {
  const shards = [countingShard(), countingShard()] as const;
  const [shard, otherShard] = shards;
  const early = { bucket: { id: bucketId(1) }, shard, found: Promise.resolve(undefined) };
  for (const [place, asked] of [
    [{ key: "f", bucket: { id: bucketId(1) }, shard }, [0, 0]],
    [{ key: "f", bucket: { id: bucketId(2) }, shard }, [1, 0]],
    [{ key: "f", bucket: { id: bucketId(1) }, shard: otherShard }, [1, 1]],
  ] as const) {
    await askForFile(place, early);
    const counts = shards.map(({ count }) => count);
    assert.deepEqual(counts, asked);
  }
});

/** A shard without files, which counts how often it is asked. */
function countingShard(): Pick<ShardReplica, "ask"> & { readonly count: number } {
  let count = 0;
  const ask = <Asked, Answer>({ find }: ShardQuestion<Asked, Answer>, asked: Asked): Answer => {
    count++;
    return find(new MemoryState(), asked, shardId(0));
  };
  return {
    ask,
    get count() {
      return count;
    },
  };
}

/** A node that leads neither the system group nor any shard: it has to ask for everything. */
async function followerOfAll(world: ClusterMachines): Promise<number> {
  for (;;) {
    const { cluster } = await world.run(world.node(0).status());
    const leaders = [cluster.system, ...cluster.shards].map(({ leader }) => leader);
    for (const number of [0, 1, 2]) if (!leaders.includes(await world.idOf(number))) return number;
    await world.simulation.runFor(100);
  }
}

async function meanMs(world: ClusterMachines, ask: (i: number) => Promise<unknown>): Promise<number> {
  const count = 40;
  const beganMs = world.simulation.nowMs;
  for (let i = 0; i < count; i++) await world.run(ask(i));
  return (world.simulation.nowMs - beganMs) / count;
}
