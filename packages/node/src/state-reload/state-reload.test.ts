import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { GroupId } from "@holdfast/base";
import { groupId, present, StoreError, shardId, utf8, utf8Text } from "@holdfast/base";
import { allMetrics } from "@holdfast/ports";
import { simulatedHashing } from "@holdfast/ports/simulated";
import { StateStore } from "@holdfast/state";
import { ClusterMachines } from "../../test-support/cluster-machines.ts";
import type { NodeMachine } from "../../test-support/node-machine.ts";
import { shardGroup, systemGroup } from "../groups/group-ids.ts";

const files = 12;
const shard = shardGroup(shardId(0));
const groups = [
  ["a shard", shard],
  ["the system group", systemGroup],
] as const;
/** What a node of these clusters has replicas of, in the order of their numbers. */
const allGroups = [systemGroup, shard, shardGroup(shardId(1))];

async function filled(consensus: "raft" | "multipaxos" = "raft"): Promise<ClusterMachines> {
  const world = await ClusterMachines.start(3, { consensus });
  await world.settled();
  await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
  await store(world, "before");
  // Everything is in the state stores.
  await world.simulation.runFor(3000);
  return world;
}

/** Until a node has reloaded something, and nothing is under way any more. */
async function wellAgain(world: ClusterMachines, victim: number): Promise<void> {
  await world.until(async () => {
    const { damaged, reloaded } = (await world.run(world.node(victim).status())).replicas;
    return reloaded > 0 && damaged.length === 0;
  }, "it is reloaded");
  await world.settled();
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

/** Keys of the group's pairs in the state store, of whatever generation. */
function pairsOf(machine: NodeMachine, group: GroupId): readonly Uint8Array[] {
  return [1, 3].flatMap((table) => {
    const range = {
      from: Uint8Array.of(table, 0, 0, 0, group),
      to: Uint8Array.of(table, 0, 0, 0, group + 1),
    };
    return Array.from(machine.states.range(range), ({ key }) => key);
  });
}

/** What the group's record is under. */
function recordKey(group: GroupId): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, group);
}

/** Makes the state of a stopped node another one, which is whole in itself. */
async function changeState(world: ClusterMachines, machine: NodeMachine, group: GroupId): Promise<void> {
  const states = new StateStore(machine.states.mount(), simulatedHashing);
  const state = states.group(group);
  state.put(utf8("\u00ff"), utf8("what no entry has put"));
  state.settle();
  await world.run(states.flush());
}

/** One scrub of the node, during which it may end. */
async function scrub(world: ClusterMachines, number: number): Promise<void> {
  const { node } = world.machine(number);
  await world.run(Promise.race([node.scrub().catch(ended), node.failed]));
}

/** Whoever asks a node that gives its store up is told to try again. */
function ended(error: unknown): void {
  if (!(error instanceof StoreError)) throw error;
  assert.ok(["Unavailable", "Stopped"].includes(error.code), error.code);
}

/** One scrub of the node, and the reloads that come of it. */
async function scrubbed(world: ClusterMachines, victim: number, expected: readonly GroupId[]): Promise<void> {
  await scrub(world, victim);
  await reloaded(world, victim, expected);
}

async function reloaded(world: ClusterMachines, victim: number, expected: readonly GroupId[]): Promise<void> {
  const machine = world.machine(victim);
  await world.until(() => expected.every((group) => reloadsOf(machine).includes(group)), "it is reloaded");
  await world.settled();
}

/** All is well with all, and of this node alone replicas were reloaded: each of these once. */
async function assertReloadedAlone(
  world: ClusterMachines,
  victim: number,
  expected: readonly GroupId[],
): Promise<void> {
  await store(world, "after");
  await assertServed(world, "before");
  await assertServed(world, "after");
  for (const [number, machine] of world.machines.entries()) {
    assert.deepEqual((await world.run(machine.node.scrub())).stateProblems, [], `node ${number}`);
    assert.deepEqual(
      reloadsOf(machine).toSorted((a, b) => a - b),
      number === victim ? expected : [],
      `node ${number}`,
    );
  }
}

/** Flips a bit of every value that the group has in the machine's state store. */
function rotState(machine: NodeMachine, group: GroupId): void {
  const keys = pairsOf(machine, group);
  assert.ok(keys.length > 0, "the state is in the store");
  for (const key of keys) machine.states.rot(key, 40);
}

function reloadsOf(machine: NodeMachine): readonly GroupId[] {
  return machine.journal.lines
    .filter(({ event }) => event === "replica reloaded")
    .map(({ fields }) => groupId(Number(fields["group"])));
}

/** How often a node of the world has begun to send a state. */
function statesSent({ machines }: ClusterMachines): number {
  return machines.reduce(
    (count, { journal }) => count + journal.lines.filter(({ event }) => event === "state sent").length,
    0,
  );
}

async function leaderOf(world: ClusterMachines, group: GroupId): Promise<number> {
  const { system, shards } = (await world.run(world.node(0).status())).cluster;
  const leader = group === systemGroup ? system.leader : shards[group - 1]?.leader;
  const ids = [await world.idOf(0), await world.idOf(1), await world.idOf(2)];
  return ids.findIndex((id) => id === leader);
}

suite("state reload (S12): a node's state is damaged", () => {
  for (const consensus of ["raft", "multipaxos"] as const)
    for (const [what, group] of groups)
      for (const role of ["leader", "follower"] as const) {
        test(`${consensus}: of ${what}, at its ${role}, while it runs: one scrub finds it, and all the node has is made anew`, async () => {
          const world = await filled(consensus);
          const leader = await leaderOf(world, group);
          const victim = role === "leader" ? leader : (leader + 1) % 3;
          rotState(world.machine(victim), group);
          await scrubbed(world, victim, allGroups);
          await assertReloadedAlone(world, victim, allGroups);
          await world.stop();
        });
      }

  test("no answer is wrong, though its state rots under reads and writes", async () => {
    const world = await filled();
    const victim = 1;
    rotState(world.machine(victim), shard);
    for (let i = 0; i < files; i++) {
      const read = await world.run(world.readFile(victim, `before-${i}`).catch(ended));
      if (read !== undefined) assert.equal(utf8Text(read), `before ${i}`);
    }
    await reloaded(world, victim, allGroups);
    await world.simulation.runFor(3000);
    rotState(world.machine(victim), shard);
    for (let i = 0; i < files; i++)
      await world.run(world.storeFile(2 * (i % 2), `during-${i}`, utf8(`during ${i}`)));
    await world.until(
      () => reloadsOf(world.machine(victim)).length === 2 * allGroups.length,
      "an entry found it",
    );
    await world.settled();
    await assertServed(world, "before");
    await assertServed(world, "during");
    await world.stop();
  });

  for (const [what, group] of groups) {
    test(`at rest before a start, of ${what}: values: the start finds it`, async () => {
      const world = await filled();
      await world.machine(2).stop();
      rotState(world.machine(2), group);
      await world.machine(2).start();
      await reloaded(world, 2, allGroups);
      await assertReloadedAlone(world, 2, allGroups);
      await world.stop();
    });

    test(`at rest before a start, of ${what}: the record of its place`, async () => {
      const world = await filled();
      await world.machine(2).stop();
      world.machine(2).states.rot(recordKey(group));
      await world.machine(2).start();
      await reloaded(world, 2, allGroups);
      await assertReloadedAlone(world, 2, allGroups);
      await world.stop();
    });

    test(`at rest before a start, of ${what}: a key is gone, and no value is wrong: the start finds it`, async () => {
      const world = await filled();
      await world.machine(2).stop();
      const { states } = world.machine(2);
      const [key] = pairsOf(world.machine(2), group);
      await world.run(states.mount().write([{ key: present(key, "a pair"), value: undefined }]));
      await world.machine(2).start();
      await reloaded(world, 2, allGroups);
      await assertReloadedAlone(world, 2, allGroups);
      await world.stop();
    });

    test(`its state is another, of ${what}, with checksums and digest that fit: the others outvote it`, async () => {
      const world = await filled();
      await world.machine(2).stop();
      await changeState(world, world.machine(2), group);
      await world.machine(2).start();
      await world.settled();
      await scrubbed(world, 2, [group]);
      await assertReloadedAlone(world, 2, [group]);
      await world.stop();
    });
  }

  test("of whatever value or record of the state store, one at a time: one scrub finds it, and all is made anew", async () => {
    const world = await filled();
    let flips = 0;
    const reloadedTimes = async (times: number): Promise<void> => {
      const count = (): number => world.machines.reduce((sum, machine) => sum + reloadsOf(machine).length, 0);
      await world.until(() => count() === times * allGroups.length, "it is reloaded");
      await world.settled();
    };
    const flipped = async (machine: NodeMachine, key: Uint8Array): Promise<void> => {
      machine.states.rot(key);
      await scrub(world, world.machines.indexOf(machine));
      flips++;
      await reloadedTimes(flips);
    };
    for (const [number, machine] of world.machines.entries())
      await flipped(machine, recordKey(groupId(number)));
    for (let at = 0; ; at++) {
      // A node that has started closes the writers it had, and what that changes is stored.
      await world.simulation.runFor(3000);
      const machine = world.machine(at % 3);
      const keys = [systemGroup, shard].flatMap((group) => pairsOf(machine, group));
      const key = keys[3 * at];
      if (key === undefined) break;
      await flipped(machine, key);
    }
    assert.ok(flips >= 10, `${flips} flips`);
    await world.simulation.runFor(3000);
    await reloadedTimes(flips);
    for (const { node } of world.machines)
      assert.deepEqual((await world.run(node.scrub())).stateProblems, []);
    await assertServed(world, "before");
    await world.stop();
  });

  test("while nobody has the state it waits, over a power loss too, and serves nothing of it; then it is reloaded", async () => {
    const world = await filled();
    rotState(world.machine(2), shard);
    const [first, second, victim] = [await world.idOf(0), await world.idOf(1), await world.idOf(2)];
    world.switch.partition([victim], [first, second]);
    await scrub(world, 2);
    await world.simulation.runFor(3000);
    assert.equal((await world.run(world.node(2).readiness())).ready, false);
    assert.equal(await world.run(world.machine(2).metrics.value(allMetrics.stateDamagedReplicas, {})), 1);
    world.machine(2).crash("power-loss");
    world.switch.healAll();
    await world.machine(2).start();
    await wellAgain(world, 2);
    assert.equal(await world.run(world.machine(2).metrics.value(allMetrics.stateDamagedReplicas, {})), 0);
    assert.equal(await world.run(world.machine(2).metrics.value(allMetrics.stateReloads, {})), 3);
    const { lastReloaded } = (await world.run(world.node(2).status())).replicas;
    assert.match(
      lastReloaded?.reason ?? "",
      /the state store is damaged: group 1: a value of it is not what was stored/,
      "the mark says why, after a restart too",
    );
    await assertReloadedAlone(world, 2, allGroups);
    await world.stop();
  });

  for (const consensus of ["raft", "multipaxos"] as const)
    test(`${consensus}: others went on meanwhile, and it loses power at any moment of the reload: it ends well`, async () => {
      const world = await filled(consensus);
      const machine = world.machine(2);
      const [first, second, victim] = [await world.idOf(0), await world.idOf(1), await world.idOf(2)];
      let interrupted = 0;
      for (const [round, afterMs] of [0, 0.3, 0.6, 1, 1.5, 2, 4, 8, 20, 60, 200].entries()) {
        await world.simulation.runFor(3000);
        rotState(machine, shard);
        world.switch.partition([victim], [first, second]);
        await scrub(world, 2);
        for (let i = 0; i < 2 * files; i++)
          await world.run(world.storeFile(i % 2, `round-${round}-${i}`, utf8(`${round} ${i}`)));
        const [sent, reloads] = [statesSent(world), reloadsOf(machine).length];
        world.switch.healAll();
        while (statesSent(world) === sent) await world.simulation.runFor(0.1);
        await world.simulation.runFor(afterMs);
        if (reloadsOf(machine).length < reloads + allGroups.length) interrupted++;
        machine.crash("power-loss");
        await machine.start();
        await world.settled();
        for (const { node } of world.machines)
          assert.deepEqual((await world.run(node.scrub())).stateProblems, [], `round ${round}`);
        for (let i = 0; i < 2 * files; i++)
          assert.equal(utf8Text(await world.run(world.readFile(2, `round-${round}-${i}`))), `${round} ${i}`);
      }
      assert.ok(interrupted >= 3 && interrupted < 11, `${interrupted} were interrupted`);
      await world.stop();
    });

  test("of two that differ nobody is reloaded, and people are told; when the third is back it says who is wrong", async () => {
    const world = await filled();
    await world.machine(2).stop();
    await changeState(world, world.machine(2), shard);
    world.machine(0).crash("power-loss");
    await world.machine(2).start();
    await world.until(async () => (await world.run(world.node(2).readiness())).ready, "two of three serve");
    for (const number of [1, 2]) {
      const { stateProblems } = await world.run(world.node(number).scrub());
      assert.match(
        stateProblems.join(),
        /have different states at index \d+, and no majority says which is right/,
      );
      assert.equal((await world.run(world.node(number).status())).replicas.apart.length, 1);
      assert.equal(await world.run(world.machine(number).metrics.value(allMetrics.stateDigestsApart, {})), 1);
      assert.deepEqual(reloadsOf(world.machine(number)), []);
    }
    await world.machine(0).start();
    await world.settled();
    await scrubbed(world, 2, [shard]);
    await world.run(world.node(1).scrub());
    for (const number of [1, 2])
      assert.deepEqual((await world.run(world.node(number).status())).replicas.apart, []);
    await assertReloadedAlone(world, 2, [shard]);
    await world.stop();
  });

  test("a minute is enough for the replicas to compare their states, without a scrub", async () => {
    const world = await filled();
    await world.machine(2).stop();
    await changeState(world, world.machine(2), shard);
    await world.machine(2).start();
    await world.settled();
    await world.simulation.runFor(62_000);
    assert.deepEqual(reloadsOf(world.machine(2)), [shard]);
    await world.stop();
  });
});

test("state reload: a start on a damaged system group is refused where nothing says who has it", async () => {
  const world = await filled();
  const machine = world.machine(2);
  await machine.stop();
  rotState(machine, systemGroup);
  machine.disk.rot("way-in");
  await assert.rejects(machine.start(), { name: "StoreError", code: "DataCorrupt" });
  machine.crash("kill");
  for (const number of [0, 1]) await world.machine(number).stop();
});

test("state reload: of two nodes the one that alone votes in the system group takes the other's copy", async () => {
  const world = await ClusterMachines.start(2);
  await world.settled();
  await world.run(world.node(0).files.createBucket({ name: "b-1", owner: "tests" }));
  await world.simulation.runFor(3000);
  rotState(world.machine(0), systemGroup);
  await world.run(world.node(0).scrub());
  await wellAgain(world, 0);
  assert.deepEqual(reloadsOf(world.machine(0)), [systemGroup]);
  await world.simulation.runFor(3000);
  await world.machine(0).stop();
  rotState(world.machine(0), systemGroup);
  await world.machine(0).start();
  await world.run(world.node(0).scrub());
  await wellAgain(world, 0);
  await world.run(world.storeFile(1, "file", utf8("after")));
  assert.equal(utf8Text(await world.run(world.readFile(0, "file"))), "after");
  await world.stop();
});

test("state reload: with two of three damaged the third one's state comes to both", async () => {
  const world = await filled();
  for (const victim of [0, 2]) rotState(world.machine(victim), shard);
  for (const victim of [0, 2]) await scrub(world, victim);
  for (const victim of [0, 2]) await reloaded(world, victim, allGroups);
  await assertServed(world, "before");
  await world.stop();
});
