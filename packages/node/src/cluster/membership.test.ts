import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { NodeId } from "@holdfast/base";
import { encode, logIndex, nodeId, StoreError, utf8 } from "@holdfast/base";
import type { Membership as ConsensusMembership } from "@holdfast/consensus";
import { replicaId } from "@holdfast/consensus";
import { MemoryState } from "@holdfast/ports";
import type { SystemCommand, SystemResult } from "@holdfast/shard";
import { SystemMachine, systemEntryCodec, systemGroup } from "@holdfast/shard";
import { ClusterMachines } from "../../test-support/cluster-machines.ts";
import { NodeMachine } from "../../test-support/node-machine.ts";
import { membershipOf } from "./membership.ts";

suite("membership: nodes that change and go", () => {
  test("of a node that is drained everything moves away, and then it may be removed", async () => {
    const world = await ClusterMachines.start(3);
    await world.settled();
    await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
    for (let i = 0; i < 10; i++) await world.run(world.storeFile(0, `f-${i}`, utf8(`file ${i}`)));
    await world.join();
    const id = await world.idOf(3);
    const { cluster } = world.node(0);
    const partitions = async () => (await world.run(world.node(0).status())).cluster.partitions;
    await world.until(async () => (await partitions()).change !== undefined, "the new node gets its part");
    await world.until(async () => (await partitions()).change === undefined, "and has it");
    const drained = await world.run(cluster.changeNode(id, { draining: true }));
    assert.deepEqual([drained.draining, drained.zone], [true, "zone-3"]);
    await assert.rejects(world.run(cluster.removeNode(id)), {
      code: "NodeInUse",
      message: /^Node [0-9a-f]{16} holds \d+ slots.*, and is draining\. Wait/,
    });
    await world.until(() => removed(world, 1, id), "the node is removed");
    assert.equal(await world.run(cluster.removeNode(id)), false, "said again it changes nothing");
    await world.machine(3).stop();
    world.machines.pop();
    await world.settled();
    for (let i = 0; i < 10; i++)
      assert.deepEqual(await world.run(world.readFile(2, `f-${i}`)), utf8(`file ${i}`));
    await world.stop();
  });

  test("a node that died while it was filled: its change is taken back, and it goes", async () => {
    const world = await ClusterMachines.start(3);
    await world.settled();
    await world.join();
    const id = await world.idOf(3);
    const { cluster } = world.node(1);
    const partitions = async () => (await world.run(world.node(1).status())).cluster.partitions;
    await world.until(async () => (await partitions()).change !== undefined, "it gets its part");
    world.machine(3).crash("power-loss");
    world.machines.pop();
    const change = (await partitions()).change ?? 0;
    await world.simulation.runFor(5000);
    const { nodes, partitions: counts } = (await world.run(world.node(1).status())).cluster;
    assert.deepEqual([counts.change, counts.unclosedShards], [change, []], "it is waited for");
    const owing = nodes.filter(({ owedPartitions }) => owedPartitions > 0);
    assert.deepEqual(
      owing.map((node) => [node.id, node.state, node.owedPartitions]),
      [[id, "down", counts.joint]],
    );
    await world.run(cluster.changeNode(id, { draining: true }));
    await assert.rejects(world.run(cluster.revertLayout(change - 1)), {
      code: "LayoutConflict",
      message: new RegExp(`^The layout change under way is ${change}, not ${change - 1}`),
    });
    assert.equal(await world.run(cluster.revertLayout(change)), true);
    await world.until(() => removed(world, 1, id), "the node is removed");
    assert.equal(await world.run(cluster.revertLayout(change)), false, "there is nothing to take back");
    await world.settled();
    await world.stop();
  });

  test("a node that goes learns of it, whoever was asked to remove it, and says so from then on", async () => {
    for (const door of [1, 3]) {
      const world = await ClusterMachines.start(3);
      await world.settled();
      await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
      const id = await drainedGuest(world);
      const gone = world.node(3);
      assert.equal(await world.run(world.node(door).cluster.removeNode(id)), true, `by way of node ${door}`);
      await learnsOfIt(world);
      const beganMs = world.simulation.nowMs;
      const refused = { code: "Unavailable", message: removal };
      await assert.rejects(world.run(world.readFile(3, "f")), refused);
      await assert.rejects(world.run(gone.cluster.nodes()), refused);
      await assert.rejects(world.run(gone.cluster.removeNode(id)), refused);
      assert.equal(world.simulation.nowMs, beganMs, "at once");
      await world.until(async () => (await learners(world)).length === 0, "nobody learns any more");
      await world.machine(3).stop();
      await assert.rejects(world.machine(3).start(), refused);
      world.machines.pop();
      await world.settled();
      await world.stop();
    }
  });

  test("a node that hears of it late learns of it all the same: it is kept in the system group until then", async () => {
    const world = await ClusterMachines.start(3);
    await world.settled();
    const id = await drainedGuest(world);
    const others = [await world.idOf(0), await world.idOf(1), await world.idOf(2)];
    for (const other of others) world.switch.clog(other, id);
    assert.equal(await world.run(world.node(1).cluster.removeNode(id)), true);
    await world.simulation.runFor(1500);
    assert.deepEqual(await learners(world), [id]);
    for (const other of others) world.switch.unclog(other, id);
    await learnsOfIt(world);
    await world.stop();
  });

  test("a node that does not answer is out of the system group within 15 s all the same", async () => {
    const world = await ClusterMachines.start(3);
    await world.settled();
    const id = await drainedGuest(world);
    for (const number of [0, 1, 2]) world.switch.clog(await world.idOf(number), id);
    assert.equal(await world.run(world.node(1).cluster.removeNode(id)), true);
    await world.simulation.runFor(15_000);
    assert.deepEqual(await learners(world), []);
    world.machine(3).crash("kill");
    world.machines.pop();
    await world.stop();
  });

  test("draining is refused, with numbers, when too few nodes would stay for what is stored", async () => {
    const world = await ClusterMachines.start(3);
    await world.settled();
    await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
    await assert.rejects(
      world.run(world.node(2).cluster.changeNode(await world.idOf(0), { draining: true })),
      {
        code: "InvalidRequest",
        message:
          "Buckets with replicas:3 need 3 nodes that are not draining; there would be 2. Add a node first.",
        fields: { width: 3, nodes: 2 },
      },
    );
    await world.stop();
  });

  test("the only node is changed, and neither drained nor removed", async () => {
    const machine = new NodeMachine();
    const node = await machine.start();
    const { nodeId: id } = await machine.run(node.status());
    const { cluster } = node;
    const applied = async () => (await machine.run(node.status())).cluster.system.appliedIndex ?? 0;
    const before = await applied();
    const changed = await machine.run(cluster.changeNode(id, { zone: "rack-2", weight: 7 }));
    assert.partialDeepStrictEqual(changed, { id, zone: "rack-2", weight: 7, draining: false });
    assert.ok((await applied()) > before);
    const [known] = await machine.run(cluster.nodes());
    assert.deepEqual(known, changed);
    const settled = await applied();
    await machine.run(cluster.changeNode(id, { weight: 7, draining: false }));
    assert.equal(await applied(), settled, "what is so already costs no entry");
    const refused = async (work: Promise<unknown>, code: string, message: RegExp) =>
      assert.rejects(machine.run(work), { code, message });
    await refused(cluster.changeNode(id, { draining: true }), "InvalidRequest", /needs 1 node.*would be 0/);
    await refused(cluster.changeNode(id, { weight: 0 }), "InvalidRequest", /1 to 1000/);
    await refused(cluster.changeNode(id, { weight: 1.5 }), "InvalidRequest", /1 to 1000/);
    await refused(cluster.changeNode(id, { zone: "a b" }), "InvalidRequest", /zone/);
    await refused(cluster.changeNode("f".repeat(16), {}), "NodeNotFound", /no node f+\./);
    await refused(
      cluster.removeNode(id),
      "NodeInUse",
      /holds 1024 slots and replicas of 4 shards.*Drain it first/,
    );
    assert.equal(await machine.run(cluster.removeNode("f".repeat(16))), false);
    assert.equal(await machine.run(cluster.revertLayout(1)), false);
    await machine.stop();
  });
});

test("membership: a draining node stays as long as it votes in the system group, or may do so", async () => {
  const state = new MemoryState();
  const machine = new SystemMachine(state);
  let index = 0;
  const apply = (command: SystemCommand): SystemResult =>
    machine.apply({ index: logIndex(++index), command: encode(systemEntryCodec, { timeMs: 1, command }) });
  const addresses = { rpc: "r:1", http: "h:1", s3: "s:1" };
  const life = { logIncarnation: "l", volumeIncarnation: "v" };
  const node = (letter: string) => ({
    id: nodeId(letter.repeat(16)),
    zone: "z",
    weight: 1,
    addresses,
    ...life,
  });
  const founding = { consensus: "raft", partitionBits: 4 } as const;
  const token = new Uint8Array(32);
  for (const command of [
    { kind: "createCluster", clusterId: "c", shardCount: 1 },
    { kind: "foundCluster", founding, node: node("a") },
    { kind: "issueToken", digest: token, lifetimeMs: 1000 },
    { kind: "joinNode", token, node: node("b") },
    { kind: "assignReplica", group: systemGroup, node: node("a").id },
    { kind: "assignReplica", group: systemGroup, node: node("b").id },
    { kind: "changeNode", node: node("b").id, change: { zone: "z", weight: 1, draining: true } },
  ] as const)
    assert.notEqual(apply(command).kind, "refused", command.kind);
  const own = { state, append: (command: SystemCommand) => Promise.resolve(apply(command)) };
  const [first, second] = [replicaId(1), replicaId(2)];
  const removing = (membership: ConsensusMembership, appliedIndex: number): Promise<boolean> => {
    const replica = { status: () => ({ membership, appliedIndex, lastIndex: 9 }) };
    return membershipOf(own, { replica, readBarrier: () => undefined } as never, () => false).removeNode(
      node("b").id,
    );
  };
  const learns = { voters: [first], outgoing: [], learners: [second] };
  await assert.rejects(removing({ ...learns, voters: [first, second] }, 9), { code: "NodeInUse" });
  await assert.rejects(removing({ ...learns, outgoing: [second] }, 9), { code: "NodeInUse" });
  await assert.rejects(removing(learns, 8), { code: "Unavailable" });
  assert.equal(await removing(learns, 9), true);
});

const removal = /^This node was removed from its cluster\. Use another node/;

/** A fourth node, which holds nothing and may be removed. */
async function drainedGuest(world: ClusterMachines): Promise<NodeId> {
  await world.join();
  const id = await world.idOf(3);
  await world.run(world.node(1).cluster.changeNode(id, { draining: true }));
  await world.until(async () => {
    const { nodes, system } = (await world.run(world.node(1).status())).cluster;
    const isFree = nodes.some((node) => node.id === id && !node.isMember && node.shardReplicas === 0);
    return isFree && system.learners.includes(id);
  }, "it holds nothing any more");
  return id;
}

async function learnsOfIt(world: ClusterMachines): Promise<void> {
  await world.until(async () => {
    const { ready, reason } = await world.run(world.node(3).readiness());
    return !ready && removal.test(reason ?? "");
  }, "it learns that it was removed");
}

/** Of the system group, as node 0 knows them. */
async function learners(world: ClusterMachines): Promise<readonly string[]> {
  return (await world.run(world.node(0).status())).cluster.system.learners;
}

async function removed(world: ClusterMachines, by: number, id: string): Promise<boolean> {
  try {
    return await world.run(world.node(by).cluster.removeNode(id));
  } catch (error) {
    assert.ok(error instanceof StoreError);
    assert.ok(["NodeInUse", "Unavailable"].includes(error.code), error.message);
    return false;
  }
}
