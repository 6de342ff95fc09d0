/** One test for each rule on changes of membership: Raft (extended version) §6, Ongaro's thesis §4.2 and §4.3, S13. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { command, membership, membershipEntry } from "../../../test-support/entries.ts";
import { RaftBench } from "../../../test-support/raft-bench.ts";
import { accepted, appendEntries, heartbeat, requestVote } from "../../../test-support/raft-message.ts";
import { replicaId } from "../../contract/replica-id.ts";

/** Leads with its first entry committed by all. */
function leader(voters: readonly number[], learners: readonly number[] = []): RaftBench {
  const bench = new RaftBench({ voters, learners }).lead();
  bench.settle();
  for (const from of [...voters, ...learners]) if (from !== 1) bench.step(accepted(1, 1, { from }));
  assert.equal(bench.core.status().commitIndex, 1);
  return bench;
}

function target(voters: readonly number[], learners: readonly number[] = []) {
  return { voters: voters.map(replicaId), learners: learners.map(replicaId) };
}

test("§6: a membership counts from the moment its entry is in the log, committed or not", () => {
  const bench = new RaftBench();
  const joint = { ...membership([1, 4, 5]), outgoing: membership([1, 2, 3]).voters };
  bench.step(appendEntries(1, { entries: [membershipEntry(1, 1, joint)] }));
  assert.deepEqual(bench.core.status().membership, joint);
});

test("§6: a membership is cut off with its entry", () => {
  const bench = new RaftBench();
  bench.step(appendEntries(1, { entries: [membershipEntry(1, 1, membership([1, 4, 5]))] }));
  bench.step(
    appendEntries(2, { from: 3, entries: [{ ...membershipEntry(1, 2, membership([1])), kind: "empty" }] }),
  );
  assert.deepEqual(bench.core.status().membership, membership([1, 2, 3]));
});

test("§6: a restart finds the membership that its log ends with", () => {
  const joint = { ...membership([1, 4, 5]), outgoing: membership([1, 2, 3]).voters };
  const entries = [command(1, 1), membershipEntry(2, 1, joint), command(3, 1)];
  assert.deepEqual(new RaftBench({ entries, ballot: 1 }).core.status().membership, joint);
});

test("§6: while a change is joint, entries need a majority of both memberships", () => {
  const bench = leader([1, 2, 3], [4, 5]);
  assert.equal(bench.core.proposeChange(target([1, 4, 5])).kind, "proposed");
  bench.settle();
  bench.step(accepted(1, 2, { from: 4 }));
  bench.step(accepted(1, 2, { from: 5 }));
  assert.equal(bench.core.status().commitIndex, 1);
  bench.step(accepted(1, 2, { from: 2 }));
  assert.equal(bench.core.status().commitIndex, 2);
});

test("§6: the new membership alone follows by itself once the joint one is committed", () => {
  const bench = leader([1, 2, 3], [4, 5]);
  bench.core.proposeChange(target([1, 4, 5]));
  bench.settle();
  assert.deepEqual(bench.core.status().membership.outgoing, [1, 2, 3]);
  bench.step(accepted(1, 2, { from: 2 }));
  bench.step(accepted(1, 2, { from: 4 }));
  assert.deepEqual(bench.core.status().membership, membership([1, 4, 5]));
  bench.settle();
  bench.step(accepted(1, 3, { from: 2 }));
  assert.equal(bench.core.status().commitIndex, 2);
  bench.step(accepted(1, 3, { from: 5 }));
  assert.equal(bench.core.status().commitIndex, 3);
});

test("§6: a leader that leaves leads until the new membership is committed, and does not count itself for it", () => {
  const bench = leader([1, 2, 3], [4]);
  bench.core.proposeChange(target([2, 3, 4]));
  bench.settle();
  bench.step(accepted(1, 2, { from: 2 }));
  bench.step(accepted(1, 2, { from: 3 }));
  bench.settle();
  bench.step(accepted(1, 3, { from: 2 }));
  const { commitIndex, role } = bench.core.status();
  assert.deepEqual([commitIndex, role], [2, "leader"]);
  const sent = bench.step(accepted(1, 3, { from: 3 }));
  assert.equal(bench.core.status().role, "follower");
  assert.deepEqual(
    sent.filter(({ kind }) => kind === "TimeoutNow").map(({ to }) => to),
    [2],
  );
});

test("§6: one change at a time: no other before the last entry of a membership is known to be committed", () => {
  const bench = leader([1, 2, 3]);
  assert.equal(bench.core.proposeChange(target([1, 2, 3], [4])).kind, "proposed");
  assert.equal(bench.core.proposeChange(target([1, 2, 3], [5])).kind, "change-in-progress");
  bench.settle();
  bench.step(accepted(1, 2));
  assert.equal(bench.core.proposeChange(target([1, 2, 3], [5])).kind, "proposed");
});

test("thesis §4.2.1: a learner gets the log and counts neither for commits nor for elections", () => {
  const bench = leader([1, 2, 3], [4]);
  bench.core.propose(new Uint8Array(1));
  bench.settle();
  bench.step(accepted(1, 2, { from: 4 }));
  assert.equal(bench.core.status().commitIndex, 1);
  bench.step(accepted(1, 2));
  assert.equal(bench.core.status().commitIndex, 2);
});

test("thesis §4.2.1: a learner never stands for election", () => {
  const bench = new RaftBench({ voters: [2, 3, 4], learners: [1] });
  bench.tick(50);
  bench.core.campaign();
  assert.equal(bench.core.status().role, "follower");
  assert.equal(bench.core.status().ballot, 0);
});

test("thesis §4.2.2: a replica votes for a candidate that its own membership does not name", () => {
  const bench = new RaftBench({ voters: [1, 2, 3] });
  bench.step(requestVote(1, { from: 9 }));
  assert.equal(
    bench.settle().some((message) => message.kind === "RequestVoteReply" && message.granted),
    true,
  );
});

test("thesis §4.2.3: a replica that has just heard of a leader looks at no request for a vote", () => {
  const bench = new RaftBench();
  bench.step(heartbeat(1));
  bench.tick(9);
  assert.deepEqual(bench.step(requestVote(7, { from: 3 })), []);
  assert.equal(bench.core.status().ballot, 1);
});

test("thesis §4.2.3: after the shortest election timeout without a word of its leader it does", () => {
  const bench = new RaftBench();
  bench.step(heartbeat(1));
  bench.tick(10);
  bench.step(requestVote(7, { from: 3 }));
  assert.equal(bench.core.status().ballot, 7);
});

test("thesis §4.2.3: whoever the leader itself hands over to is let through", () => {
  const bench = new RaftBench();
  bench.step(heartbeat(1));
  bench.step(requestVote(2, { from: 3, transfer: true }));
  assert.equal(bench.core.status().ballot, 2);
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
    const bench = leader([1, 2, 3]);
    assert.equal(bench.core.proposeChange(target(voters, learners)).kind, "invalid-change");
    assert.equal(bench.core.status().lastIndex, 1);
  });
