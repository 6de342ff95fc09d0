import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { GroupId } from "@holdfast/base";
import { groupId, StoreError, seededRandom, shardId } from "@holdfast/base";
import { createCluster } from "@holdfast/namespace";
import { MemoryState } from "@holdfast/ports";
import { SimulatedClock, Simulation } from "@holdfast/ports/simulated";
import { ClusterMachines } from "../test-support/cluster-machines.ts";
import type { ShardHere } from "./cluster/shards-here.ts";
import { systemGroup } from "./groups/group-ids.ts";
import type { Readiness } from "./readiness.ts";
import { ReadinessProbe } from "./readiness.ts";

const served = { state: "served", hasWriter: true } as const;
const silence = (): Promise<void> => new Promise(() => undefined);

type Barrier = () => Promise<void> | undefined;

interface World {
  readonly shards?: readonly (Pick<ShardHere, "state" | "hasWriter"> & { readonly barrier?: Barrier })[];
  readonly systemIsLed?: boolean;
  readonly system?: Barrier;
  readonly damaged?: readonly GroupId[];
}

/** So many looks, one after the other. */
async function looks(count: number, { shards = [served], systemIsLed = true, system, damaged = [] }: World) {
  const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const simulation = new Simulation({ random: seededRandom(1), drain });
  const systemState = new MemoryState();
  createCluster({ state: systemState, timeMs: 1 } as never, "c", 4);
  const probe = new ReadinessProbe({
    systemLog: { readBarrier: system ?? (() => undefined) },
    systemState,
    systemIsLed: () => systemIsLed,
    shards: () =>
      shards.map(({ state, hasWriter, barrier }, i) => ({
        shard: shardId(i),
        state,
        hasWriter,
        log: { readBarrier: barrier ?? (() => undefined) },
      })),
    damaged: () => damaged.map((group) => ({ group, reason: "it rotted" })),
    wal: { stopped: undefined },
    blocks: { health: () => ({ damagedFound: 0, queuedBytes: 0, failure: undefined }) },
    admission: { hasRoom: () => Promise.resolve(true) },
    clock: new SimulatedClock(simulation),
  });
  const found: Readiness[] = [];
  for (let i = 0; i < count; i++) found.push(await simulation.runUntilSettled(probe.look()));
  return found;
}

async function look(world: World): Promise<Readiness> {
  const [found] = await looks(1, world);
  assert.ok(found !== undefined);
  return found;
}

suite("readiness names what is wrong", () => {
  test("nothing, when every shard here has a leader and a writer", async () => {
    const all = { ready: true, writable: true, code: undefined, reason: undefined };
    assert.deepEqual(await look({ shards: [served, served] }), all);
  });

  test("a shard that should be here, or has no leader, whichever the probe would have asked", async () => {
    for (const [state, reason] of [
      ["missing", /^Shard 2 should be on this node/],
      ["leaderless", /^Shard 2 has no leader/],
    ] as const) {
      const shards = [served, served, { state, hasWriter: false }, served];
      for (const found of await looks(4, { shards })) {
        assert.partialDeepStrictEqual(found, { ready: false, writable: false, code: "Unavailable" });
        assert.match(found.reason ?? "", reason);
      }
    }
    const many = Array.from({ length: 9 }, () => ({ state: "leaderless", hasWriter: true }) as const);
    assert.match(
      (await look({ shards: many })).reason ?? "",
      /^Shards 0, 1, 2, 3, 4 and 4 more have no leader/,
    );
  });

  test("a system group without a leader, or without an answer", async () => {
    assert.match((await look({ systemIsLed: false })).reason ?? "", /^The system group has no leader/);
    const late = await look({ system: silence });
    assert.equal(late.reason, "No answer within 1000 ms from the system group.");
    const gone = () => Promise.reject(new StoreError("Unavailable", "gone"));
    assert.match((await look({ system: gone })).reason ?? "", /\(the system group\).*gone/);
  });

  test("a state that is damaged and loaded anew: of a shard, of the system group", async () => {
    const shards = [served, { state: "missing", hasWriter: true } as const];
    const shard = await look({ shards, damaged: [groupId(2)] });
    assert.match(shard.reason ?? "", /^Shard 1 cannot be served here yet: a state is damaged/);
    const system = await look({ systemIsLed: false, damaged: [systemGroup] });
    assert.match(system.reason ?? "", /^The state of the system group is damaged here/);
  });

  test("a shard whose barrier nobody confirms, in its turn", async () => {
    const shards = [served, { ...served, barrier: silence }];
    const found = await looks(4, { shards });
    assert.deepEqual(
      found.map(({ ready }) => ready),
      [true, false, true, false],
    );
    assert.equal(found[1]?.reason, "No answer within 1000 ms from shard 1.");
  });

  test("a node without any shard serves nothing", async () => {
    assert.match((await look({ shards: [] })).reason ?? "", /^No shard lives on this node/);
  });

  test("a shard without this run's writer is read and not written", async () => {
    const found = await look({ shards: [served, { ...served, hasWriter: false }] });
    assert.partialDeepStrictEqual(found, { ready: true, writable: false, code: "Unavailable" });
    assert.match(found.reason ?? "", /^Shard 1 cannot be written to/);
  });
});

test("readiness: of three nodes two serve on, one alone does not and says why, until another is back", async () => {
  const world = await ClusterMachines.start(3);
  await world.settled();
  const readiness = () => world.run(world.node(2).readiness());
  world.machine(0).crash("power-loss");
  await world.until(async () => (await readiness()).writable, "two of three serve");
  world.machine(1).crash("power-loss");
  await world.until(async () => !(await readiness()).ready, "one of three does not");
  await world.simulation.runFor(5000);
  assert.match((await readiness()).reason ?? "", /^The system group has no leader/);
  assert.equal((await world.run(world.node(2).status())).cluster.system.leader, undefined);
  await world.machine(0).start();
  await world.until(async () => (await readiness()).writable, "two of three serve again");
  await world.stop();
});

test("readiness: a node that joins is not ready before a shard votes on it, and then stays so", async () => {
  const world = await ClusterMachines.start(3, { shardCount: 4 });
  await world.settled();
  await world.join();
  const readiness = () => world.run(world.node(3).readiness());
  assert.match((await readiness()).reason ?? "", /^No shard lives on this node: it is coming/);
  await world.until(async () => {
    const { cluster } = await world.run(world.node(3).status());
    return cluster.epoch > 1 && cluster.partitions.change === undefined && (await readiness()).writable;
  }, "it has its part");
  const { shards } = (await world.run(world.node(3).status())).cluster;
  assert.ok(
    shards.some(({ appliedIndex }) => appliedIndex === undefined),
    "other shards are elsewhere",
  );
  await world.simulation.runFor(10_000);
  for (let i = 0; i < 8; i++) assert.equal((await readiness()).reason, undefined);
  await world.stop();
});
