/** What only a Raft group can do when one of its members is cut off, comes back, or asks for what it may not have. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { raft } from "./protocol.ts";
import { followersOf, isolate, leaderOf, pass, quietGroup } from "./quiet-group.ts";

const command = new Uint8Array([0, 0, 0, 0]);

test("leader stickiness: a candidate of a later term does not disturb voters that hear their leader (§4.2.3)", () => {
  const cluster = quietGroup(raft);
  const leader = leaderOf(cluster);
  const { ballot } = leader.status;
  const [first, second] = followersOf(cluster);
  const last = leader.status.lastIndex;
  first.deliver({
    kind: "RequestVote",
    from: second.id,
    to: first.id,
    ballot: (ballot + 5) as typeof ballot,
    lastIndex: last,
    lastBallot: ballot,
    transfer: false,
  });
  pass(cluster, 50);
  assert.deepEqual([leader.status.role, leader.status.ballot], ["leader", ballot]);
  assert.equal(first.status.ballot, ballot);
});

test("pre-vote: a longer log in an earlier term and a later term with a shorter log find a leader together (etcd #8501)", () => {
  const cluster = quietGroup(raft);
  const leader = leaderOf(cluster);
  const [late, down] = followersOf(cluster);
  isolate(cluster, [late.id]);
  for (let i = 0; i < 8; i++) leader.propose(command, () => undefined);
  // Less than the shortest election timeout.
  pass(cluster, 5);
  down.crash();
  // It stands for election, and nobody hears it.
  const { id: from, ballot } = leader.status;
  late.deliver({ kind: "TimeoutNow", from, to: late.id, ballot });
  pass(cluster, 40);
  assert.ok(late.status.ballot > leader.status.ballot, "a later term");
  assert.ok(late.status.lastIndex < leader.status.lastIndex, "a shorter log");
  assert.equal(cluster.leader(), undefined);
  cluster.network.cut([]);
  pass(cluster, 200);
  assert.equal(leaderOf(cluster), leader);
});

test("votes: one leaves when it is durable, not before (figure 2)", () => {
  const cluster = quietGroup(raft);
  const leader = leaderOf(cluster);
  const [candidate, voter] = followersOf(cluster);
  const { id: from, ballot } = leader.status;
  isolate(cluster, [leader.id]);
  voter.isSlow = true;
  candidate.deliver({ kind: "TimeoutNow", from, to: candidate.id, ballot });
  pass(cluster, 3);
  assert.equal(voter.status.ballot, ballot + 1);
  assert.equal(candidate.status.role, "candidate");
  voter.isSlow = false;
  pass(cluster, 100);
  assert.notEqual(leaderOf(cluster), leader);
});

test("votes: a candidate that crashes remembers that it voted for itself (§5.2)", () => {
  const cluster = quietGroup(raft);
  const leader = leaderOf(cluster);
  const [first, second] = followersOf(cluster);
  const { id: from, ballot } = leader.status;
  isolate(cluster, [first.id]);
  first.deliver({ kind: "TimeoutNow", from, to: first.id, ballot });
  pass(cluster, 1);
  assert.equal(first.status.ballot, ballot + 1);
  first.crash();
  first.start();
  // The second stands in the same term, and has the first alone to ask.
  isolate(cluster, [leader.id]);
  second.deliver({ kind: "TimeoutNow", from, to: second.id, ballot });
  pass(cluster, 3);
  assert.deepEqual([second.status.role, second.status.ballot], ["candidate", ballot + 1]);
});

test("removal: a leader that removes itself and crashes stands again, while only those removed hold the entry (§4.2.2)", () => {
  const cluster = quietGroup(raft);
  const leader = leaderOf(cluster);
  const [kept, other] = followersOf(cluster);
  assert.equal(leader.proposeChange({ voters: [kept.id], learners: [other.id] }).kind, "proposed");
  // The joint membership is committed; the entry that ends it reaches nobody that is kept.
  leader.pause(false);
  pass(cluster, 2);
  cluster.network.cut([[leader.id, kept.id]]);
  leader.resume();
  pass(cluster, 2);
  assert.equal(leader.status.membership.outgoing.length, 0);
  assert.equal(other.status.lastIndex, leader.status.lastIndex);
  assert.ok(kept.status.lastIndex < leader.status.lastIndex);
  leader.crash();
  cluster.network.cut([]);
  leader.start();
  pass(cluster, 300);
  assert.deepEqual(leaderOf(cluster).status.membership, {
    voters: [kept.id],
    outgoing: [],
    learners: [other.id],
  });
});
