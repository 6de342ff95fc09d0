/**
 * One test for each rule on changes of membership: S13, S14; Lamport, Malkhi and Zhou, "Reconfiguring a State Machine" (2010),
 * §3.2: what may be chosen in a slot is decided by the membership that the slots before it made.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { command, membership, membershipEntry } from "../../../test-support/entries.ts";
import { MultiPaxosBench } from "../../../test-support/multipaxos-bench.ts";
import {
  accept,
  accepted,
  ballotOf,
  canvass,
  decide,
  heartbeat,
  promise,
} from "../../../test-support/multipaxos-message.ts";
import type { Membership } from "../../contract/membership.ts";
import { replicaId } from "../../contract/replica-id.ts";
import type { MultiPaxosMessage } from "../messages.ts";

const theirs = ballotOf(1, 2);
const own = ballotOf(1, 1);

function joint(voters: readonly number[], outgoing: readonly number[]): Membership {
  return { ...membership(voters), outgoing: outgoing.map(replicaId) };
}

function target(voters: readonly number[], learners: readonly number[] = []) {
  return { voters: voters.map(replicaId), learners: learners.map(replicaId) };
}

function asked(messages: readonly MultiPaxosMessage[]): readonly number[] {
  return messages.filter(({ kind }) => kind === "Prepare").map(({ to }) => Number(to));
}

test("S14: a membership counts when it is chosen and applied, not when it is accepted", () => {
  const bench = new MultiPaxosBench();
  const next = joint([1, 4, 5], [1, 2, 3]);
  bench.step(accept(theirs, { entries: [membershipEntry(1, theirs, next)] }));
  bench.settle();
  assert.deepEqual(bench.core.status().membership, membership([1, 2, 3]));
  bench.step(decide(theirs, 1));
  bench.settle();
  assert.deepEqual(bench.core.status().membership, next);
});

test("S14: the end of a joint membership counts as soon as it is accepted, if the joint one is applied", () => {
  const bench = new MultiPaxosBench();
  const [next, end] = [joint([1, 4, 5], [1, 2, 3]), membership([1, 4, 5])];
  bench.step(
    accept(theirs, { entries: [membershipEntry(1, theirs, next), membershipEntry(2, theirs, end)] }),
  );
  bench.settle();
  assert.deepEqual(bench.core.status().membership, membership([1, 2, 3]));
  bench.step(decide(theirs, 1));
  bench.settle();
  assert.deepEqual(bench.core.status().membership, end);
});

test("S14: a membership that was accepted and is replaced never counts", () => {
  const bench = new MultiPaxosBench();
  bench.step(accept(theirs, { entries: [membershipEntry(1, theirs, membership([1, 4, 5]))] }));
  const later = ballotOf(2, 3);
  bench.step(accept(later, { entries: [command(1, later)], commitIndex: 1 }));
  bench.settle();
  assert.deepEqual(bench.core.status().membership, membership([1, 2, 3]));
});

test("S14: nothing is proposed behind a membership before that is chosen and applied", () => {
  const bench = new MultiPaxosBench().lead();
  assert.equal(bench.core.proposeChange(target([1, 2, 3], [4])).kind, "proposed");
  assert.equal(bench.core.propose(new Uint8Array(1)).kind, "change-in-progress");
  assert.equal(bench.core.proposeChange(target([1, 2, 3])).kind, "change-in-progress");
  bench.settle();
  assert.equal(bench.core.propose(new Uint8Array(1)).kind, "change-in-progress");
  bench.step(accepted(own, 1));
  bench.settle();
  assert.equal(bench.core.propose(new Uint8Array(1)).kind, "proposed");
});

test("S14: nor is anything proposed again behind one, before those who count then have promised", () => {
  const [next, end] = [joint([1, 4, 5], [1, 2, 3]), membership([1, 4, 5])];
  const entries = [membershipEntry(1, theirs, next)];
  const bench = new MultiPaxosBench({ entries, promised: theirs });
  bench.stand(2);
  const later = ballotOf(2, 1);
  bench.step(promise(later, { lastIndex: 0 }));
  assert.equal(bench.core.status().lastIndex, 1);
  bench.settle();
  bench.step(accepted(later, 1));
  const said = bench.settle();
  assert.deepEqual(bench.core.status().membership, next);
  assert.deepEqual(asked(said), [4, 5]);
  assert.equal(bench.core.status().lastIndex, 1);
  // 4 knows what was chosen under the joint membership.
  bench.step(promise(later, { from: 4, commitIndex: 1, slots: [membershipEntry(2, theirs, end)] }));
  assert.equal(bench.core.status().lastIndex, 2);
  assert.deepEqual(bench.core.status().membership, end);
});

for (const [others, role] of [
  [[2], "pre-candidate"],
  [[4, 5], "pre-candidate"],
  [[2, 4], "candidate"],
] as const)
  test(`S14: a joint membership is canvassed and prepared by a majority of both: ${others.join(" and ")} make a ${role}`, () => {
    const entries = [membershipEntry(1, theirs, joint([1, 4, 5], [1, 2, 3]))];
    const bench = new MultiPaxosBench({ entries, promised: theirs, chosenIndex: 1 });
    bench.settle();
    bench.stand(...others);
    assert.equal(bench.core.status().role, role);
    if (role === "pre-candidate") return;
    const [first, second] = others;
    bench.step(promise(ballotOf(2, 1), { from: first, commitIndex: 1 }));
    assert.equal(bench.core.status().role, "candidate");
    bench.step(promise(ballotOf(2, 1), { from: second, commitIndex: 1 }));
    assert.equal(bench.core.status().role, "leader");
  });

test("S14: whoever counts by now is asked for the end of a joint phase, and needs none of the old", () => {
  const entries = [
    membershipEntry(1, theirs, joint([1, 4, 5], [1, 2, 3])),
    membershipEntry(2, theirs, membership([1, 4, 5])),
  ];
  const bench = new MultiPaxosBench({ entries, promised: theirs, chosenIndex: 1 });
  bench.settle();
  assert.deepEqual(asked(bench.stand(4)), [4, 5]);
  bench.step(promise(ballotOf(2, 1), { from: 4, commitIndex: 1 }));
  assert.equal(bench.core.status().role, "leader");
});

test("a joint phase ends by itself, and the entry that ends it is chosen by the new voters", () => {
  const bench = new MultiPaxosBench({ voters: [1, 2, 3], learners: [4, 5] }).lead();
  bench.core.proposeChange(target([1, 4, 5]));
  bench.settle();
  bench.step(accepted(own, 1, { from: 4 }));
  bench.step(accepted(own, 1, { from: 5 }));
  assert.equal(bench.core.status().commitIndex, 0, "learners choose nothing");
  bench.step(accepted(own, 1, { from: 2 }));
  bench.settle();
  assert.deepEqual(bench.core.status().membership, membership([1, 4, 5]));
  assert.equal(bench.core.status().lastIndex, 2);
  bench.step(accepted(own, 2, { from: 4 }));
  bench.settle();
  assert.equal(bench.core.status().commitIndex, 2);
});

test("a leader that is not in the new membership leads until that is applied, then hands over", () => {
  const bench = new MultiPaxosBench({ voters: [1, 2, 3], learners: [4] }).lead();
  bench.core.proposeChange(target([2, 3, 4]));
  bench.settle();
  bench.step(accepted(own, 1, { from: 2 }));
  bench.settle();
  bench.step(accepted(own, 2, { from: 2 }));
  assert.equal(bench.core.status().commitIndex, 1, "its own acceptance does not count");
  const said = bench.step(accepted(own, 2, { from: 3 }));
  assert.equal(bench.core.status().role, "follower");
  assert.deepEqual(
    said
      .filter(({ kind }) => kind === "TakeOver" || kind === "Resign")
      .map(({ kind, to }) => `${kind} ${to}`),
    ["TakeOver 2", "Resign 3", "Resign 4"],
  );
});

test("a replica helps a candidate that its own membership does not name", () => {
  const bench = new MultiPaxosBench({ voters: [2, 3, 4] });
  const [reply] = bench.step(canvass(0, 1, { from: 9 }));
  assert.equal(reply?.kind === "CanvassReply" && reply.granted, true);
});

test("a restart finds the membership that was applied, and that nothing stands behind one unchosen", () => {
  const entries = [membershipEntry(1, theirs, membership([1, 2, 3], [4]))];
  const bench = new MultiPaxosBench({ entries, promised: theirs });
  bench.step(heartbeat(theirs));
  assert.deepEqual(bench.core.status().membership, membership([1, 2, 3]));
  bench.step(accept(theirs, { entries, commitIndex: 1 }));
  bench.settle();
  assert.deepEqual(bench.core.status().membership, membership([1, 2, 3], [4]));
  assert.equal(bench.durable.chosenIndex, 1, "that a membership is chosen is durable");
});

for (const [problem, voters, learners] of [
  ["an even number of voters", [1, 2], []],
  ["no voters", [], []],
  ["more than seven voters", [1, 2, 3, 4, 5, 6, 7, 8, 9], []],
  ["a replica named twice", [1, 2, 2], []],
  ["a voter that is a learner", [1, 2, 3], [3]],
  ["a number that no replica has", [0, 1, 2], []],
  ["nothing that changes", [3, 2, 1], []],
] as const)
  test(`S13: a change to ${problem} is refused`, () => {
    const bench = new MultiPaxosBench().lead();
    assert.equal(bench.core.proposeChange(target(voters, learners)).kind, "invalid-change");
    assert.equal(bench.core.status().lastIndex, 0);
  });
