import assert from "node:assert/strict";
import { test } from "node:test";
import type { BucketId } from "@holdfast/base";
import { encode, present, seededRandom } from "@holdfast/base";
import type { Bucket } from "@holdfast/namespace";
import { findBucketByName } from "@holdfast/namespace";
import type { ReplicatedLog } from "@holdfast/ports";
import { MemoryState } from "@holdfast/ports";
import { SimulatedClock, Simulation, simulatedHashing } from "@holdfast/ports/simulated";
import type { SystemCommand, SystemResult } from "@holdfast/shard";
import { SystemMachine, systemEntryCodec } from "@holdfast/shard";
import { BareLog } from "../../test-support/bare-log.ts";
import { BucketDirectory } from "./bucket-directory.ts";
import { bucketSettings, singleReplica } from "./defaults.ts";

/** A directory whose copy of the system group lags: what others do is applied here behind the next barrier only. */
class World {
  readonly #state = new MemoryState();
  readonly #log: BareLog<SystemResult>;
  readonly #unseen: SystemCommand[] = [];
  readonly directory: BucketDirectory;
  barriers = 0;

  constructor() {
    this.#log = new BareLog(new SystemMachine(this.#state));
    const random = seededRandom(1);
    const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const clock = new SimulatedClock(new Simulation({ random, drain }));
    const inner = this.#log;
    const log: Pick<ReplicatedLog<SystemResult>, "appliedIndex" | "readBarrier"> = {
      get appliedIndex() {
        return inner.appliedIndex;
      },
      readBarrier: async () => {
        this.barriers++;
        for (const command of this.#unseen.splice(0)) await this.apply(command);
      },
    };
    this.directory = new BucketDirectory(log, this.#state, 2, simulatedHashing, clock);
  }

  async apply(command: SystemCommand): Promise<void> {
    await this.#log.append(encode(systemEntryCodec, { timeMs: 1, command }));
  }

  /** Agreed on elsewhere. */
  decided(command: SystemCommand): void {
    this.#unseen.push(command);
  }

  get bucket(): Bucket {
    return present(findBucketByName(this.#state, "b-1"), "the bucket");
  }
}

async function withBucket(): Promise<{ readonly world: World; readonly id: BucketId }> {
  const world = new World();
  await world.apply({ kind: "createCluster", clusterId: "c", shardCount: 2 });
  const settings = bucketSettings(undefined, singleReplica);
  await world.apply({
    kind: "createBucket",
    name: "b-1",
    owner: "tests",
    shardCount: 2,
    firstShard: 0,
    settings,
  });
  const { id } = world.bucket;
  await world.apply({ kind: "activateBucket", bucket: id });
  await world.directory.readable("b-1");
  assert.equal(world.barriers, 1);
  return { world, id };
}

test("bucket directory: what the lease covers is answered without a barrier", async () => {
  const { world } = await withBucket();
  for (let i = 0; i < 10; i++) assert.equal((await world.directory.active("b-1")).name, "b-1");
  assert.equal(world.barriers, 1);
});

test("bucket directory: a bucket that is marked as deleting is asked about, whatever the lease says (S18)", async () => {
  const { world, id } = await withBucket();
  await world.apply({ kind: "beginBucketDelete", bucket: id });
  world.decided({ kind: "finishBucketDelete", bucket: id });
  await assert.rejects(async () => world.directory.readable("b-1"), { code: "BucketNotFound" });
});

test("bucket directory: a no is confirmed: the bucket may have been made a moment ago (S18)", async () => {
  const { world } = await withBucket();
  const settings = bucketSettings(undefined, singleReplica);
  await assert.rejects(async () => world.directory.readable("b-2"), { code: "BucketNotFound" });
  await world.apply({
    kind: "createBucket",
    name: "b-2",
    owner: "tests",
    shardCount: 2,
    firstShard: 0,
    settings,
  });
  const made = (await world.directory.all()).find(({ name }) => name === "b-2");
  world.decided({ kind: "activateBucket", bucket: present(made, "the second bucket").id });
  assert.equal((await world.directory.readable("b-2")).state, "active");
});

test("bucket directory: doubted, it asks before it says that the bucket is there", async () => {
  const { world, id } = await withBucket();
  world.decided({ kind: "beginBucketDelete", bucket: id });
  world.decided({ kind: "finishBucketDelete", bucket: id });
  assert.equal((await world.directory.readable("b-1")).name, "b-1");
  world.directory.doubt();
  await assert.rejects(async () => world.directory.readable("b-1"), { code: "BucketNotFound" });
});
