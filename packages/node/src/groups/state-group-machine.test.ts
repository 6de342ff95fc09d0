import assert from "node:assert/strict";
import { test } from "node:test";
import { ballot, groupId, logIndex, seededRandom } from "@holdfast/base";
import { emptyMembership, replicaId } from "@holdfast/consensus";
import { SimulatedKeyValue, simulatedHashing } from "@holdfast/ports/simulated";
import { StateStore } from "@holdfast/state";
import type { TextNode } from "../../test-support/text-group.ts";
import { TextGroup } from "../../test-support/text-group.ts";
import { StateGroupMachine } from "./state-group-machine.ts";

/** More than a segment of the log, and more than a leader keeps in memory. */
async function appendMuch(world: TextGroup, node: TextNode, name: string): Promise<void> {
  for (let i = 0; i < 120; i++) await world.append(node, `${name} ${i}`.padEnd(20_000, "-"));
}

function digestOf({ state }: TextNode): unknown {
  return [state.appliedIndex, state.digest, state.recomputeDigest()];
}

/** A follower that was away while the log behind it went: only a snapshot brings it back. */
async function withoutOne(options = {}): Promise<{ world: TextGroup; leader: TextNode; away: TextNode }> {
  const world = await TextGroup.start(options);
  const [leader, away, other] = await world.roles();
  await world.append(leader, "first");
  world.kill(away);
  await appendMuch(world, leader, "a");
  for (const node of [leader, other]) await world.checkpoint(node);
  return { world, leader, away };
}

test("state machine: a replica that was away gets the whole state, digest and membership included", async () => {
  const { world, leader, away } = await withoutOne();
  const back = await world.restart(away);
  await world.until(() => back.state.appliedIndex >= leader.state.appliedIndex, "it catches up");
  assert.ok(leader.journal.lines.some(({ event }) => event === "group.snapshot.sent"));
  assert.deepEqual(world.texts(back), world.texts(leader));
  assert.deepEqual(digestOf(back), digestOf(leader));
  assert.deepEqual(back.group.status().membership, leader.group.status().membership);
  await world.append(back, "last");
  await world.until(() => world.texts(back).at(-1) === "last", "it goes on");
});

test("state machine: what was installed outlives a kill, and entries behind it are applied once", async () => {
  const { world, leader, away } = await withoutOne();
  let back = await world.restart(away);
  await world.until(() => back.state.appliedIndex >= leader.state.appliedIndex, "it catches up");
  await world.append(back, "behind");
  await world.until(() => world.texts(back).at(-1) === "behind", "it has that too");
  world.kill(back);
  back = await world.restart(back);
  await world.until(() => back.state.appliedIndex >= leader.state.appliedIndex, "it is back");
  assert.deepEqual(world.texts(back), world.texts(leader));
  assert.deepEqual(digestOf(back), digestOf(leader));
});

test("state machine: entries go on while a snapshot is on its way, and none is missing in the end", async () => {
  const { world, leader, away } = await withoutOne();
  const back = await world.restart(away);
  await appendMuch(world, leader, "b");
  await world.until(() => back.state.appliedIndex >= leader.state.appliedIndex, "it catches up");
  assert.deepEqual(world.texts(back), world.texts(leader));
  assert.deepEqual(digestOf(back), digestOf(leader));
});

test("state machine: a snapshot waits until the disk has room for it (S12)", async () => {
  let hasRoom = false;
  const { world, leader, away } = await withoutOne({ hasRoom: () => hasRoom });
  const back = await world.restart(away);
  await world.simulation.runFor(5000);
  assert.ok(back.state.appliedIndex < 10, "it has what its own log had, and no more");
  assert.ok(leader.journal.lines.some(({ event }) => event === "group.snapshot.failed"));
  hasRoom = true;
  await world.until(() => back.state.appliedIndex >= leader.state.appliedIndex, "it catches up");
  assert.deepEqual(world.texts(back), world.texts(leader));
});

test("state machine: the position is what was told last, and what was flushed when it is opened again", async () => {
  const store = new SimulatedKeyValue({ random: seededRandom(1) });
  const nothing = { apply: (): string => "" };
  const open = (): { machine: StateGroupMachine<string>; states: StateStore } => {
    const states = new StateStore(store.mount(), simulatedHashing);
    return {
      states,
      machine: new StateGroupMachine(states.group(groupId(1)), nothing, () => Promise.resolve(true)),
    };
  };
  const first = open();
  assert.deepEqual(first.machine.applied, { index: 0, ballot: 0, membership: emptyMembership });
  const membership = {
    voters: [replicaId(1), replicaId(2)],
    outgoing: [replicaId(3)],
    learners: [replicaId(4)],
  };
  const position = { index: logIndex(1), ballot: ballot(7), membership };
  first.machine.advance(position);
  assert.equal(first.machine.applied, position);
  await first.states.flush();
  first.machine.advance({ ...position, index: logIndex(2) });
  store.kill();
  assert.deepEqual(open().machine.applied, position);
});
