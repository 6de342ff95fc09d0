/** What a group does when one of its members is cut off, comes back, or asks for what it may not have. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@holdfast/base";
import type { RaftMessage, ReplicaId } from "@holdfast/consensus";
import { defaultConsensusLimits } from "@holdfast/consensus";
import { GroupCluster } from "./group-cluster.ts";
import type { GroupPlan } from "./group-plan.ts";
import { makeGroupPlan } from "./group-plan.ts";
import { raft } from "./protocol.ts";
import type { SimulatedReplica } from "./simulated-replica.ts";

type Cluster = GroupCluster<RaftMessage>;
type Replica = SimulatedReplica<RaftMessage>;

const command = new Uint8Array([0, 0, 0, 0]);

/** Three voters, a fast network and nothing that goes wrong by itself; two ticks are the longest way there and back. */
function quietGroup(limits: Partial<GroupPlan["limits"]> = {}): Cluster {
  const random = seededRandom(1);
  const { faults, ...plan } = makeGroupPlan(1, random);
  const none = Object.fromEntries(Object.keys(faults).map((name) => [name, 0])) as unknown as typeof faults;
  const cluster = new GroupCluster({
    plan: {
      ...plan,
      votersCount: 3,
      isShard: false,
      operationsPerMille: 0,
      churnTicks: 0,
      applyDelayMax: 0,
      limits: { ...defaultConsensusLimits, ...limits },
      network: { delayMax: 0, lossPerMille: 0, duplicatePerMille: 0 },
      disk: { latencyMax: 0, flushEntries: 1000, retainedEntries: 1000 },
      faults: none,
    },
    protocol: raft,
    random,
    linesMax: 0,
  });
  pass(cluster, 100);
  return cluster;
}

function pass(cluster: Cluster, ticks: number): void {
  for (let tick = 0; tick < ticks; tick++) cluster.pass();
}

function leaderOf(cluster: Cluster): Replica {
  const leader = cluster.leader();
  assert.ok(leader !== undefined, "the group has a leader");
  return leader;
}

function followersOf(cluster: Cluster): readonly [Replica, Replica] {
  const leader = leaderOf(cluster);
  const [first, second] = cluster.replicas().filter((replica) => replica !== leader);
  assert.ok(first !== undefined && second !== undefined);
  return [first, second];
}

/** Nobody hears it, and it hears nobody. */
function isolate(cluster: Cluster, ids: readonly ReplicaId[]): void {
  const all = cluster.replicas().map(({ id }) => id);
  cluster.network.cut(
    ids.flatMap((id) => all.flatMap((other) => [[id, other] as const, [other, id] as const])),
  );
}

test("check quorum: a leader that hears nobody is none within two election timeouts (Ongaro's thesis, §6.2)", () => {
  const cluster = quietGroup();
  const leader = leaderOf(cluster);
  isolate(cluster, [leader.id]);
  pass(cluster, 25);
  assert.notEqual(leader.status.role, "leader");
});

test("pre-vote: a replica that was cut off comes back without an election (§9.6)", () => {
  const cluster = quietGroup();
  const leader = leaderOf(cluster);
  const { ballot } = leader.status;
  const [follower] = followersOf(cluster);
  isolate(cluster, [follower.id]);
  pass(cluster, 300);
  assert.equal(follower.status.ballot, ballot, "nobody answers, so it goes no further");
  cluster.network.cut([]);
  pass(cluster, 100);
  assert.deepEqual([leader.status.role, leader.status.ballot], ["leader", ballot]);
  assert.equal(follower.status.leader, leader.id);
});

test("leader stickiness: a candidate of a later term does not disturb voters that hear their leader (§4.2.3)", () => {
  const cluster = quietGroup();
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
  const cluster = quietGroup();
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
  const cluster = quietGroup();
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
  const cluster = quietGroup();
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

test("hand-over: leadership goes to voters alone", () => {
  const cluster = quietGroup();
  const leader = leaderOf(cluster);
  const learner = cluster.addReplica();
  const { voters } = leader.status.membership;
  assert.equal(leader.proposeChange({ voters, learners: [learner] }).kind, "proposed");
  pass(cluster, 20);
  assert.equal(leader.transferLeader(learner)?.kind, "invalid-change");
  pass(cluster, 5);
  assert.equal(leader.propose(command, () => undefined).kind, "proposed");
});

test("learners: they stand for no election, whatever they hear", () => {
  const cluster = quietGroup();
  const leader = leaderOf(cluster);
  const learner = cluster.addReplica();
  const { membership, ballot } = leader.status;
  leader.proposeChange({ voters: membership.voters, learners: [learner] });
  pass(cluster, 20);
  isolate(cluster, [learner]);
  pass(cluster, 100);
  const { role, ballot: after } = cluster.replica(learner)?.status ?? leader.status;
  assert.deepEqual([role, after], ["follower", ballot]);
  cluster.replica(learner)?.campaign();
  assert.equal(cluster.replica(learner)?.status.role, "follower");
});

test("removal: a leader that removes itself and crashes stands again, while only those removed hold the entry (§4.2.2)", () => {
  const cluster = quietGroup();
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

test("step-down: read barriers that wait are answered with no index, never left", () => {
  const cluster = quietGroup();
  const leader = leaderOf(cluster);
  isolate(cluster, [leader.id]);
  const answers: (number | undefined)[] = [];
  leader.read((index) => answers.push(index));
  pass(cluster, 40);
  assert.deepEqual(answers, [undefined]);
});

test("back-pressure: a leader without its quorum takes proposals up to a bound, and again once they are committed", () => {
  const uncommittedBytesMax = 2000;
  const cluster = quietGroup({ uncommittedBytesMax });
  const leader = leaderOf(cluster);
  isolate(cluster, [leader.id]);
  const answers = Array.from({ length: 100 }, () => leader.propose(command, () => undefined).kind);
  const taken = answers.filter((kind) => kind === "proposed").length;
  assert.ok(taken > 0 && taken * command.length <= uncommittedBytesMax && taken < 100, `${taken} taken`);
  assert.equal(answers.at(-1), "overloaded");
  cluster.network.cut([]);
  pass(cluster, 10);
  assert.equal(leader.status.commitIndex, leader.status.lastIndex);
  assert.equal(leader.propose(command, () => undefined).kind, "proposed");
});

test("flow control: acknowledged messages make room for more, without waiting for heartbeats", () => {
  const cluster = quietGroup({ inflightMessagesMax: 2, messageBytesMax: 1, heartbeatTicks: 9 });
  const leader = leaderOf(cluster);
  const before = leader.status.commitIndex;
  for (let i = 0; i < 40; i++) leader.propose(command, () => undefined);
  pass(cluster, 4);
  assert.equal(leader.status.commitIndex, before + 40);
});

test("S10: a follower that lost what it had acknowledged gets it back although nothing new is proposed", () => {
  const cluster = quietGroup();
  const leader = leaderOf(cluster);
  const [follower] = followersOf(cluster);
  for (let i = 0; i < 5; i++) leader.propose(command, () => undefined);
  pass(cluster, 10);
  follower.crash();
  assert.ok(follower.disk.rot(cluster.random));
  follower.start();
  assert.ok(follower.status.suspect && follower.status.lastIndex < leader.status.lastIndex);
  pass(cluster, 20);
  assert.equal(follower.status.lastIndex, leader.status.lastIndex);
  assert.equal(follower.status.suspect, false);
});

test("S10: a replica that lost a committed entry votes for nobody without it", () => {
  const cluster = quietGroup();
  const leader = leaderOf(cluster);
  const [holder, other] = followersOf(cluster);
  isolate(cluster, [other.id]);
  leader.propose(command, () => undefined);
  pass(cluster, 5);
  const { commitIndex } = leader.status;
  assert.equal(commitIndex, holder.status.lastIndex);
  leader.crash();
  holder.crash();
  assert.ok(holder.disk.rot(cluster.random));
  holder.start();
  cluster.network.cut([]);
  pass(cluster, 200);
  assert.equal(cluster.leader(), undefined, "the entry is with the one that is down alone");
  leader.start();
  pass(cluster, 100);
  assert.ok(leaderOf(cluster).status.commitIndex >= commitIndex);
  assert.equal(holder.status.suspect, false);
});

test("membership: a group has an odd number of voters (S13)", () => {
  const cluster = quietGroup();
  const leader = leaderOf(cluster);
  const { voters } = leader.status.membership;
  const two = voters.slice(0, 2);
  assert.equal(leader.proposeChange({ voters: two, learners: [] }).kind, "invalid-change");
  assert.equal(
    leader.proposeChange({ voters: [...voters, cluster.addReplica()], learners: [] }).kind,
    "invalid-change",
  );
});
