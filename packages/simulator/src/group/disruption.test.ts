/** What a group of either protocol does when one of its members is cut off, comes back, or asks for what it may not have. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Envelope } from "@holdfast/consensus";
import type { Protocol } from "./protocol.ts";
import { multiPaxos, raft } from "./protocol.ts";
import { followersOf, isolate, leaderOf, pass, quietGroup } from "./quiet-group.ts";

const command = new Uint8Array([0, 0, 0, 0]);

testDisruptions(raft);
testDisruptions(multiPaxos);

function testDisruptions<Message extends Envelope>(protocol: Protocol<Message>): void {
  const { name } = protocol;

  test(`${name}: check quorum: a leader that hears nobody is none within two election timeouts (Ongaro's thesis, §6.2)`, () => {
    const cluster = quietGroup(protocol);
    const leader = leaderOf(cluster);
    isolate(cluster, [leader.id]);
    pass(cluster, 25);
    assert.notEqual(leader.status.role, "leader");
  });

  test(`${name}: asking first: a replica that was cut off comes back without an election (§9.6)`, () => {
    const cluster = quietGroup(protocol);
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

  test(`${name}: hand-over: leadership goes to voters alone`, () => {
    const cluster = quietGroup(protocol);
    const leader = leaderOf(cluster);
    const learner = cluster.addReplica();
    const { voters } = leader.status.membership;
    assert.equal(leader.proposeChange({ voters, learners: [learner] }).kind, "proposed");
    pass(cluster, 20);
    assert.equal(leader.transferLeader(learner)?.kind, "invalid-change");
    pass(cluster, 5);
    assert.equal(leader.propose(command, () => undefined).kind, "proposed");
  });

  test(`${name}: learners: they stand for no election, whatever they hear`, () => {
    const cluster = quietGroup(protocol);
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

  test(`${name}: step-down: read barriers that wait are answered with no index, never left`, () => {
    const cluster = quietGroup(protocol);
    const leader = leaderOf(cluster);
    isolate(cluster, [leader.id]);
    const answers: (number | undefined)[] = [];
    leader.read((index) => answers.push(index));
    pass(cluster, 40);
    assert.deepEqual(answers, [undefined]);
  });

  test(`${name}: back-pressure: a leader without its quorum takes proposals up to a bound, and again once they are committed`, () => {
    const uncommittedBytesMax = 2000;
    const cluster = quietGroup(protocol, { limits: { uncommittedBytesMax } });
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

  test(`${name}: flow control: acknowledged messages make room for more, without waiting for heartbeats`, () => {
    const cluster = quietGroup(protocol, {
      limits: { inflightMessagesMax: 2, messageBytesMax: 1, heartbeatTicks: 9 },
    });
    const leader = leaderOf(cluster);
    const before = leader.status.commitIndex;
    for (let i = 0; i < 40; i++) leader.propose(command, () => undefined);
    pass(cluster, 4);
    assert.equal(leader.status.commitIndex, before + 40);
  });

  test(`${name}: S10: a follower that lost what it had acknowledged gets it back although nothing new is proposed`, () => {
    const cluster = quietGroup(protocol);
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

  test(`${name}: S10: a replica that lost a committed entry votes for nobody without it`, () => {
    const cluster = quietGroup(protocol);
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

  test(`${name}: membership: a group has an odd number of voters (S13)`, () => {
    const cluster = quietGroup(protocol);
    const leader = leaderOf(cluster);
    const { voters } = leader.status.membership;
    const two = voters.slice(0, 2);
    assert.equal(leader.proposeChange({ voters: two, learners: [] }).kind, "invalid-change");
    assert.equal(
      leader.proposeChange({ voters: [...voters, cluster.addReplica()], learners: [] }).kind,
      "invalid-change",
    );
  });
}
