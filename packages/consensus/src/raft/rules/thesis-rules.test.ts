/** One test for each rule that we take from Ongaro's thesis: §3.10, §6.2, §6.4, §9.6, §10.2.1. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { command } from "../../../test-support/entries.ts";
import { RaftBench } from "../../../test-support/raft-bench.ts";
import {
  accepted,
  appendEntries,
  heartbeat,
  heartbeatReply,
  preVoteReply,
  readIndexReply,
  readIndexRequest,
  requestPreVote,
  timeoutNow,
} from "../../../test-support/raft-message.ts";
import { replicaId } from "../../contract/replica-id.ts";
import type { RaftMessage } from "../messages.ts";

function sentKinds(messages: readonly RaftMessage[]): readonly string[] {
  return messages.map(({ kind, to }) => `${kind} ${to}`);
}

/** Leads with its first entry committed. */
function leader(): RaftBench {
  const bench = new RaftBench().lead();
  bench.settle();
  bench.step(accepted(1, 1));
  bench.step(accepted(1, 1, { from: 3 }));
  return bench;
}

function preVote(bench: RaftBench, request: RaftMessage): boolean | undefined {
  const reply = bench.step(request).find(({ kind }) => kind === "RequestPreVoteReply");
  return reply?.kind === "RequestPreVoteReply" ? reply.granted : undefined;
}

test("thesis §3.10: leadership is handed at once to a voter whose log is up to date", () => {
  const bench = leader();
  assert.equal(bench.core.transferLeader(replicaId(2)), undefined);
  assert.deepEqual(sentKinds(bench.pump()), ["TimeoutNow 2"]);
});

test("thesis §3.10: a voter that lags is brought up to date first, and nothing is proposed meanwhile", () => {
  const bench = leader();
  bench.core.propose(command(0, 0).payload);
  bench.settle();
  bench.core.transferLeader(replicaId(2));
  assert.deepEqual(bench.pump(), []);
  assert.equal(bench.core.propose(command(0, 0).payload).kind, "transferring");
  assert.ok(sentKinds(bench.step(accepted(1, 2))).includes("TimeoutNow 2"));
});

test("thesis §3.10: a hand-over that is not done in an election timeout is given up", () => {
  const bench = leader();
  bench.core.transferLeader(replicaId(3));
  bench.step(heartbeatReply(1));
  bench.tick(10);
  assert.equal(bench.core.propose(command(0, 0).payload).kind, "proposed");
});

test("thesis §3.10: whoever leadership is handed to stands at once, without a pre-vote", () => {
  const bench = new RaftBench();
  bench.step(heartbeat(1));
  bench.step(timeoutNow(1));
  const { role, ballot } = bench.core.status();
  assert.deepEqual([role, ballot], ["candidate", 2]);
  assert.ok(bench.settle().every((message) => message.kind === "RequestVote" && message.transfer));
});

test("thesis §3.10: nobody but the leader hands leadership over", () => {
  const bench = new RaftBench();
  bench.step(heartbeat(1));
  bench.step(timeoutNow(1, { from: 3 }));
  assert.equal(bench.core.status().role, "follower");
});

test("thesis §6.2: a leader that no quorum answers in an election timeout steps down", () => {
  const bench = leader();
  bench.tick(20);
  assert.equal(bench.core.status().role, "follower");
});

test("thesis §6.2: a leader that one of two followers answers goes on", () => {
  const bench = leader();
  for (let i = 0; i < 10; i++) {
    bench.tick(10);
    bench.step(heartbeatReply(1));
  }
  assert.equal(bench.core.status().role, "leader");
});

test("thesis §6.4, step 1: a barrier waits until an entry of the leader's own ballot is committed", () => {
  const bench = new RaftBench({ log: [1] }).lead();
  bench.settle();
  bench.core.readIndex(7);
  bench.pump();
  bench.step(heartbeatReply(2, 0));
  assert.deepEqual(bench.reads, []);
  bench.step(accepted(2, 2));
  bench.step(heartbeatReply(2, 1));
  assert.deepEqual(bench.reads, [{ context: 7, index: 2 }]);
});

test("thesis §6.4, step 2: a barrier stands at the commit index of the moment it was asked for", () => {
  const bench = leader();
  bench.core.readIndex(7);
  bench.core.propose(command(0, 0).payload);
  bench.settle();
  bench.step(accepted(1, 2));
  bench.step(heartbeatReply(1, 1));
  assert.deepEqual(bench.reads, [{ context: 7, index: 1 }]);
});

test("thesis §6.4, step 3: only answers to heartbeats that were sent afterwards confirm a barrier", () => {
  const bench = leader();
  bench.core.readIndex(7);
  bench.pump();
  bench.step(heartbeatReply(1, 1));
  bench.core.readIndex(8);
  bench.pump();
  bench.step(heartbeatReply(1, 1));
  bench.step(heartbeatReply(1, 1, { from: 3 }));
  assert.deepEqual(bench.reads, [{ context: 7, index: 1 }]);
  bench.step(heartbeatReply(1, 2));
  assert.equal(bench.reads.length, 2);
});

test("thesis §6.4, step 3: one follower's answers are no quorum of five", () => {
  const bench = new RaftBench({ voters: [1, 2, 3, 4, 5] });
  bench.core.campaign();
  bench.settle();
  for (const from of [2, 3]) bench.step(preVoteReply(1, true, { from }));
  bench.settle();
  for (const from of [2, 3])
    bench.step({ ...preVoteReply(1, true, { from }), kind: "RequestVoteReply" as const });
  bench.settle();
  for (const from of [2, 3]) bench.step(accepted(1, 1, { from }));
  bench.core.readIndex(7);
  bench.pump();
  for (let i = 0; i < 3; i++) bench.step(heartbeatReply(1, 1));
  assert.deepEqual(bench.reads, []);
  bench.step(heartbeatReply(1, 1, { from: 4 }));
  assert.deepEqual(bench.reads, [{ context: 7, index: 1 }]);
});

test("thesis §6.4: barriers asked for together share one round of heartbeats", () => {
  const bench = leader();
  for (let context = 1; context <= 100; context++) bench.core.readIndex(context);
  assert.deepEqual(sentKinds(bench.pump()), ["Heartbeat 2", "Heartbeat 3"]);
  bench.step(heartbeatReply(1, 1));
  assert.equal(bench.reads.length, 100);
});

test("thesis §6.4: a leader that loses its leadership confirms nothing", () => {
  const bench = leader();
  bench.core.readIndex(7);
  bench.pump();
  bench.step(heartbeat(2, 0, 0, { from: 3 }));
  assert.deepEqual(bench.reads, [{ context: 7, index: undefined }]);
});

test("thesis §6.4: a follower asks its leader, which confirms before it answers", () => {
  const bench = leader();
  assert.deepEqual(sentKinds(bench.step(readIndexRequest(1, 5))), ["Heartbeat 2", "Heartbeat 3"]);
  const [reply] = bench.step(heartbeatReply(1, 1, { from: 3 }));
  assert.deepEqual(reply, readIndexReply(1, 5, 1, { from: 1, to: 2 }));
});

test("thesis §6.4: a follower without a leader says at once that nobody can confirm", () => {
  const bench = new RaftBench();
  bench.core.readIndex(7);
  bench.pump();
  assert.deepEqual(bench.reads, [{ context: 7, index: undefined }]);
});

test("thesis §9.6: a pre-vote changes nothing at the voter", () => {
  const bench = new RaftBench({ ballot: 1 });
  assert.equal(preVote(bench, requestPreVote(9)), true);
  assert.equal(preVote(bench, requestPreVote(9, { from: 3 })), true);
  assert.deepEqual([bench.core.status().ballot, bench.writesInFlight], [1, 0]);
});

test("thesis §9.6: a pre-vote is refused to an older log, and to a ballot that is not later", () => {
  const bench = new RaftBench({ log: [1, 2] });
  assert.equal(preVote(bench, requestPreVote(3, { lastIndex: 1, lastBallot: 2 })), false);
  assert.equal(preVote(bench, requestPreVote(3, { lastIndex: 9, lastBallot: 1 })), false);
  assert.equal(preVote(bench, requestPreVote(2, { lastIndex: 2, lastBallot: 2 })), false);
  assert.equal(preVote(bench, requestPreVote(3, { lastIndex: 2, lastBallot: 2 })), true);
});

test("thesis §9.6: whoever hears of a leader gives no pre-vote", () => {
  const bench = new RaftBench();
  bench.step(heartbeat(1));
  assert.equal(preVote(bench, requestPreVote(2)), undefined);
  bench.tick(10);
  assert.equal(preVote(bench, requestPreVote(2)), true);
});

test("thesis §9.6: a pre-candidate keeps its ballot until a majority would vote for it", () => {
  const bench = new RaftBench({ voters: [1, 2, 3, 4, 5] });
  bench.core.campaign();
  bench.pump();
  bench.step(preVoteReply(1, true));
  assert.deepEqual([bench.core.status().role, bench.core.status().ballot], ["pre-candidate", 0]);
  bench.step(preVoteReply(1, true, { from: 3 }));
  assert.deepEqual([bench.core.status().role, bench.core.status().ballot], ["candidate", 1]);
});

test("thesis §9.6: pre-votes for an earlier candidacy do not count", () => {
  const bench = new RaftBench({ ballot: 4 });
  bench.core.campaign();
  bench.pump();
  bench.step(preVoteReply(4, true));
  bench.step(preVoteReply(6, true, { from: 3 }));
  assert.equal(bench.core.status().role, "pre-candidate");
});

test("thesis §10.2.1: a leader sends its entries while it writes them", () => {
  const bench = leader();
  bench.core.propose(command(0, 0).payload);
  assert.deepEqual(sentKinds(bench.pump()), ["AppendEntries 2", "AppendEntries 3"]);
  assert.equal(bench.writesInFlight, 1);
});

test("thesis §10.2.1: a follower says nothing about entries that it is still writing", () => {
  const bench = new RaftBench();
  assert.deepEqual(bench.step(appendEntries(1, { entries: [command(1, 1)] })), []);
  assert.deepEqual(sentKinds(bench.settle()), ["AppendEntriesReply 2"]);
});

test("thesis §10.2.1, S9: what is committed is not applied before it is durable here", () => {
  const bench = new RaftBench();
  bench.step(appendEntries(1, { entries: [command(1, 1)], commitIndex: 1 }));
  assert.equal(bench.core.status().commitIndex, 1);
  assert.deepEqual(bench.applied, []);
  bench.settle();
  assert.equal(bench.applied.length, 1);
});
