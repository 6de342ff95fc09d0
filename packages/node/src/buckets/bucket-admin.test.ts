import assert from "node:assert/strict";
import { test } from "node:test";
import { encode, seededRandom, shardId } from "@holdfast/base";
import { findBucketByName } from "@holdfast/namespace";
import { MemoryState } from "@holdfast/ports";
import { SimulatedClock, Simulation, simulatedHashing } from "@holdfast/ports/simulated";
import { ShardMachine, SystemMachine, systemEntryCodec } from "@holdfast/shard";
import { BareLog } from "../../test-support/bare-log.ts";
import { ShardReplica } from "../shard-replica.ts";
import { BucketAdmin } from "./bucket-admin.ts";
import { BucketDirectory } from "./bucket-directory.ts";
import { bucketSettings, singleReplica } from "./defaults.ts";

const settings = bucketSettings(undefined, singleReplica);
const request = { name: "b-1", owner: "tests", shardCount: 2, firstShard: 0, settings };

async function world() {
  const simulation = new Simulation({
    random: seededRandom(1),
    drain: () => new Promise((resolve) => setImmediate(resolve)),
  });
  const clock = new SimulatedClock(simulation);
  const state = new MemoryState();
  const system = new BareLog(new SystemMachine(state));
  const create = { kind: "createCluster", clusterId: "c", shardCount: 2 } as const;
  await system.append(encode(systemEntryCodec, { timeMs: 1, command: create }));
  const shards = [0, 1].map((i) => {
    const shardState = new MemoryState();
    const log = new BareLog(new ShardMachine(shardId(i), shardState));
    const run = { node: "n", run: "r" };
    const stopping = new AbortController().signal;
    const leads = (): boolean => true;
    const options = { id: shardId(i), log, state: shardState, clock, run, leads, stopping };
    return { log, replica: new ShardReplica(options) };
  });
  const directory = new BucketDirectory(system, state, 2, simulatedHashing, clock);
  const replica = (id: number): ShardReplica => {
    const shard = shards[id];
    assert.ok(shard !== undefined);
    return shard.replica;
  };
  const admin = new BucketAdmin({
    system,
    directory,
    shard: replica,
    clock,
    everyNodeKnows: () => Promise.resolve(),
  });
  const fill = (isFull: boolean): void => {
    for (const { log } of shards) log.isFull = isFull;
  };
  const pass = (): Promise<void> =>
    simulation.runUntilSettled(new Promise((resolve) => clock.after(30_000, resolve)));
  return { admin, fill, pass, stateOf: () => findBucketByName(state, "b-1")?.state };
}

test("bucket admin: a deletion that a full disk cuts short is finished once there is room, without a restart (S17)", async () => {
  const { admin, fill, pass, stateOf } = await world();
  await admin.create(request);
  fill(true);
  await assert.rejects(admin.delete("b-1"), { code: "OutOfSpace", outcome: "unknown" });
  await pass();
  assert.equal(stateOf(), "deleting", "while the disk is full it stays as it is");
  fill(false);
  await pass();
  assert.equal(stateOf(), undefined);
});

test("bucket admin: a bucket whose making is cut short is there once there is room", async () => {
  const { admin, fill, pass, stateOf } = await world();
  fill(true);
  await assert.rejects(admin.create(request), { code: "OutOfSpace", outcome: "unknown" });
  assert.equal(stateOf(), "creating");
  fill(false);
  await pass();
  assert.equal(stateOf(), "active");
});

test("bucket admin: behind its stop nothing is tried again", async () => {
  const { admin, fill, pass, stateOf } = await world();
  fill(true);
  await assert.rejects(admin.create(request), { code: "OutOfSpace" });
  admin.stop();
  fill(false);
  await pass();
  assert.equal(stateOf(), "creating");
});
