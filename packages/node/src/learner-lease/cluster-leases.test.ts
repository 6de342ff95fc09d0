import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError, utf8, utf8Text } from "@holdfast/base";
import { unconditional } from "@holdfast/namespace";
import { ClusterMachines } from "../../test-support/cluster-machines.ts";
import { leaseMs } from "./learner-lease.ts";

async function withBucket(shardCount = 2): Promise<ClusterMachines> {
  const world = await ClusterMachines.start(3, { shardCount });
  await world.settled();
  await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
  return world;
}

/** The error's code, or "there". */
async function bucketBy(world: ClusterMachines, number: number): Promise<string> {
  try {
    await world.run(world.node(number).files.bucket("b-1"));
    return "there";
  } catch (error) {
    assert.ok(error instanceof StoreError);
    return error.code;
  }
}

test("leases: a deleted bucket is nowhere any more, not even on a node that was cut off and had a lease (S18)", async () => {
  const world = await withBucket();
  const ids = [await world.idOf(0), await world.idOf(1), await world.idOf(2)];
  await world.simulation.runFor(2 * leaseMs);
  assert.equal(await bucketBy(world, 2), "there");
  world.switch.partition(ids.slice(0, 2), ids.slice(2));
  const deleting = world.node(0).files.deleteBucket("b-1");
  let hasEnded = false;
  void deleting.then(() => (hasEnded = true));
  await world.simulation.runFor(leaseMs / 2);
  assert.equal(await bucketBy(world, 2), "there", "it serves by its lease");
  assert.equal(hasEnded, false, "and so it is waited for");
  await world.run(deleting);
  assert.equal(await bucketBy(world, 2), "Unavailable");
  assert.equal(await bucketBy(world, 1), "BucketNotFound");
});

test("leases: a deletion that another node carries on ends at one moment for all nodes", async () => {
  const world = await withBucket();
  const ids = [await world.idOf(0), await world.idOf(1), await world.idOf(2)];
  await world.simulation.runFor(2 * leaseMs);
  const { system } = (await world.run(world.node(0).status())).cluster;
  const leading = ids.findIndex((id) => id === system.leader);
  const [deleter = 0, cut = 0] = [0, 1, 2].filter((number) => number !== leading);
  world.switch.partition(
    ids.filter((id) => id !== ids[cut]),
    ids.slice(cut, cut + 1),
  );
  world
    .node(deleter)
    .files.deleteBucket("b-1")
    .catch(() => undefined); // Its node dies.
  await world.until(async () => (await bucketState(world, leading)) === "Overloaded", "it is begun");
  world.machine(deleter).crash("kill");
  for (const other of ids) world.switch.heal(ids[cut] ?? other, other);
  for (const other of ids) world.switch.heal(other, ids[cut] ?? other);
  await world.until(async () => {
    const isGone = (await bucketBy(world, leading)) === "BucketNotFound";
    if (isGone) assert.equal(await bucketBy(world, cut), "BucketNotFound");
    return isGone;
  }, "it is finished");
});

/** The error's code of a change of the bucket's files that changes nothing, or "active". */
async function bucketState(world: ClusterMachines, number: number): Promise<string> {
  try {
    const request = { bucket: "b-1", key: "none", condition: unconditional };
    await world.run(world.node(number).files.deleteFile(request));
    return "active";
  } catch (error) {
    assert.ok(error instanceof StoreError);
    return error.code;
  }
}

test("leases: while the system group elects a leader, what other nodes lead is read and written without a pause", async () => {
  const world = await withBucket(6);
  await world.until(async () => (await leadersOf(world)).size === 3, "leaders are spread");
  const { system, shards } = (await world.run(world.node(0).status())).cluster;
  const ids = [await world.idOf(0), await world.idOf(1), await world.idOf(2)];
  const victim = ids.findIndex((id) => id === system.leader);
  const other = (victim + 1) % 3;
  const keys: string[] = [];
  for (let i = 0; i < 20; i++) {
    const shard = await shardOf(world, other, `f-${i}`);
    if (shards[shard]?.leader !== ids[victim]) keys.push(`f-${i}`);
  }
  assert.ok(keys.length > 5, `${keys.length} keys`);
  world.machine(victim).crash("power-loss");
  for (const key of [...keys, ...keys]) {
    const beganMs = world.simulation.nowMs;
    await world.run(world.storeFile(other, key, utf8("again")));
    assert.equal(utf8Text(await world.run(world.readFile(other, key))), "again");
    const tookMs = world.simulation.nowMs - beganMs;
    assert.ok(tookMs < 50, `${tookMs} ms for ${key}`);
  }
});

/** Of a new file, which is stored: the one shard that has more entries then. */
async function shardOf(world: ClusterMachines, number: number, key: string): Promise<number> {
  const indexes = async (): Promise<readonly (number | undefined)[]> =>
    (await world.run(world.node(number).status())).cluster.shards.map(({ appliedIndex }) => appliedIndex);
  const before = await indexes();
  await world.run(world.storeFile(number, key, utf8("x")));
  let grown: readonly number[] = [];
  await world.until(async () => {
    grown = (await indexes()).flatMap((index, shard) => (index === before[shard] ? [] : [shard]));
    return grown.length > 0;
  }, "the entry comes here");
  assert.equal(grown.length, 1);
  return grown[0] ?? 0;
}

async function leadersOf(world: ClusterMachines): Promise<ReadonlySet<string | undefined>> {
  const { shards } = (await world.run(world.node(0).status())).cluster;
  return new Set(shards.map(({ leader }) => leader));
}
