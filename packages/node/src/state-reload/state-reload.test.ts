import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { GroupId } from "@holdfast/base";
import { groupId, shardId, utf8, utf8Text } from "@holdfast/base";
import { simulatedHashing } from "@holdfast/ports/simulated";
import { StateStore } from "@holdfast/state";
import { ClusterMachines } from "../../test-support/cluster-machines.ts";
import type { NodeMachine } from "../../test-support/node-machine.ts";
import { shardGroup, systemGroup } from "../groups/group-ids.ts";
import { folders } from "../identity.ts";

const files = 12;
const shard = shardGroup(shardId(0));
const groups = [
  ["a shard", shard],
  ["the system group", systemGroup],
] as const;

async function filled(consensus: "raft" | "multipaxos" = "raft"): Promise<ClusterMachines> {
  const world = await ClusterMachines.start(3, { consensus });
  await world.settled();
  await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
  await store(world, "before");
  // Everything is in the state stores.
  await world.simulation.runFor(3000);
  return world;
}

async function store(world: ClusterMachines, name: string): Promise<void> {
  for (let i = 0; i < files; i++)
    await world.run(world.storeFile(i % 3, `${name}-${i}`, utf8(`${name} ${i}`)));
}

/** Each node has all files, as they were stored. */
async function assertServed(world: ClusterMachines, name: string): Promise<void> {
  for (const number of [0, 1, 2])
    for (let i = 0; i < files; i++)
      assert.equal(utf8Text(await world.run(world.readFile(number, `${name}-${i}`))), `${name} ${i}`);
}

/** Keys of the group's pairs in the state store. */
function pairsOf(machine: NodeMachine, group: GroupId): readonly Uint8Array[] {
  const range = { from: Uint8Array.of(1, 0, 0, 0, group), to: Uint8Array.of(1, 0, 0, 0, group + 1) };
  return Array.from(machine.store(folders.state).range(range), ({ key }) => key);
}

/** What the group's record is under. */
function recordKey(group: GroupId): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, group);
}

/** Makes the state of a stopped node another one, which is whole in itself. */
async function changeState(world: ClusterMachines, machine: NodeMachine, group: GroupId): Promise<void> {
  const states = new StateStore(machine.store(folders.state).mount(), simulatedHashing);
  const state = states.group(group);
  state.put(utf8("\u00ff"), utf8("what no entry has put"));
  state.settle();
  await world.run(states.flush());
}

/** One scrub of the node, and the reload that comes of it. */
async function scrubbed(world: ClusterMachines, victim: number, group: GroupId): Promise<void> {
  await world.run(world.node(victim).scrub());
  await world.until(() => reloadsOf(world.machine(victim)).includes(group), "it is reloaded");
  await world.settled();
}

/** All is well with all, and of this node alone a replica was reloaded. */
async function assertReloadedAlone(world: ClusterMachines, victim: number, group: GroupId): Promise<void> {
  await store(world, "after");
  await assertServed(world, "before");
  await assertServed(world, "after");
  for (const [number, machine] of world.machines.entries()) {
    assert.deepEqual((await world.run(machine.node.scrub())).stateProblems, [], `node ${number}`);
    assert.deepEqual(reloadsOf(machine), number === victim ? [group] : [], `node ${number}`);
  }
}

/** Flips a bit of every value that the group has in the machine's state store. */
function rotState(machine: NodeMachine, group: GroupId): void {
  const keys = pairsOf(machine, group);
  assert.ok(keys.length > 0, "the state is in the store");
  for (const key of keys) machine.store(folders.state).rot(key, 40);
}

function reloadsOf(machine: NodeMachine): readonly GroupId[] {
  return machine.journal.lines
    .filter(({ event }) => event === "replica reloaded")
    .map(({ fields }) => groupId(Number(fields["group"])));
}

async function leaderOf(world: ClusterMachines, group: GroupId): Promise<number> {
  const { system, shards } = (await world.run(world.node(0).status())).cluster;
  const leader = group === systemGroup ? system.leader : shards[group - 1]?.leader;
  const ids = [await world.idOf(0), await world.idOf(1), await world.idOf(2)];
  return ids.findIndex((id) => id === leader);
}

suite("state reload (S12): one replica's state is damaged", () => {
  for (const consensus of ["raft", "multipaxos"] as const)
    for (const [what, group] of groups)
      for (const role of ["leader", "follower"] as const) {
        test(`${consensus}: of ${what}, at its ${role}, while it runs: one scrub finds it, and it is reloaded`, async () => {
          const world = await filled(consensus);
          const leader = await leaderOf(world, group);
          const victim = role === "leader" ? leader : (leader + 1) % 3;
          rotState(world.machine(victim), group);
          await scrubbed(world, victim, group);
          await assertReloadedAlone(world, victim, group);
          await world.stop();
        });
      }

  test("no answer is wrong or refused, though its state rots under reads and writes", async () => {
    const world = await filled();
    const victim = 1;
    rotState(world.machine(victim), shard);
    for (let i = 0; i < files; i++) {
      assert.equal(utf8Text(await world.run(world.readFile(victim, `before-${i}`))), `before ${i}`);
      await world.run(world.storeFile(victim, `during-${i}`, utf8(`during ${i}`)));
    }
    await world.until(() => reloadsOf(world.machine(victim)).includes(shard), "a read or an entry found it");
    await world.settled();
    await assertServed(world, "during");
    await assertReloadedAlone(world, victim, shard);
    await world.stop();
  });

  for (const [what, group] of groups) {
    test(`at rest before a start, of ${what}: values`, async () => {
      const world = await filled();
      await world.machine(2).stop();
      rotState(world.machine(2), group);
      await world.machine(2).start();
      await scrubbed(world, 2, group);
      await assertReloadedAlone(world, 2, group);
      await world.stop();
    });

    test(`at rest before a start, of ${what}: the record of its place`, async () => {
      const world = await filled();
      await world.machine(2).stop();
      world.machine(2).store(folders.state).rot(recordKey(group));
      await world.machine(2).start();
      await world.until(() => reloadsOf(world.machine(2)).includes(group), "it is reloaded");
      await world.settled();
      await assertReloadedAlone(world, 2, group);
      await world.stop();
    });

    test(`its state is another, of ${what}, with checksums and digest that fit: the others outvote it`, async () => {
      const world = await filled();
      await world.machine(2).stop();
      await changeState(world, world.machine(2), group);
      await world.machine(2).start();
      await world.settled();
      await scrubbed(world, 2, group);
      await assertReloadedAlone(world, 2, group);
      await world.stop();
    });
  }
});
