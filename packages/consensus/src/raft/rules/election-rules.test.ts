/** One test for each rule of the paper on elections: Raft (extended version), figure 2, §5.1, §5.2, §5.4.1. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "@holdfast/base";
import { command } from "../../../test-support/entries.ts";
import { RaftBench } from "../../../test-support/raft-bench.ts";
import {
  appendEntries,
  heartbeat,
  preVoteReply,
  requestVote,
  voteReply,
} from "../../../test-support/raft-message.ts";
import { raftHardStateCodec } from "../hard-state.ts";
import type { RaftMessage } from "../messages.ts";

function kinds(messages: readonly RaftMessage[]): readonly string[] {
  return messages.map(({ kind, to }) => `${kind} ${to}`);
}

/** Whether a vote was granted, once what it depends on is durable. */
function vote(bench: RaftBench, request: RaftMessage): boolean | undefined {
  const replies = [...bench.step(request), ...bench.settle()];
  const reply = replies.find(({ kind }) => kind === "RequestVoteReply");
  return reply?.kind === "RequestVoteReply" ? reply.granted : undefined;
}

function candidate(ballot: number): RaftBench {
  const bench = new RaftBench({ ballot: ballot - 1 });
  bench.core.campaign();
  bench.pump();
  bench.step(preVoteReply(ballot, true));
  return bench;
}

for (const role of ["follower", "candidate", "leader"] as const)
  test(`§5.1: a ${role} that sees a later ballot takes it over and becomes a follower`, () => {
    const bench = role === "follower" ? new RaftBench({ ballot: 1 }) : candidate(1);
    if (role === "leader") bench.step(voteReply(1, true));
    assert.equal(bench.core.status().role === "follower", role === "follower");
    bench.step(appendEntries(7));
    const { ballot, leader, role: now } = bench.core.status();
    assert.deepEqual([ballot, leader, now], [7, 2, "follower"]);
  });

test("§5.1: what comes in an earlier ballot is not carried out", () => {
  const bench = new RaftBench({ log: [1], ballot: 3 });
  bench.step(appendEntries(2, { previous: [1, 1], entries: [command(2, 2)], commitIndex: 1 }));
  const { lastIndex, commitIndex, ballot } = bench.core.status();
  assert.deepEqual([lastIndex, commitIndex, ballot], [1, 0, 3]);
  assert.equal(vote(bench, requestVote(2, { lastIndex: 9, lastBallot: 2 })), false);
});

test("§5.1: the sender of an old message learns of the later ballot", () => {
  const bench = new RaftBench({ ballot: 3 });
  for (const message of [appendEntries(2), heartbeat(2), requestVote(2)])
    assert.deepEqual(
      bench.step(message).map(({ ballot, to }) => [ballot, to]),
      [[3, 2]],
    );
});

test("§5.2: a replica begins as a follower", () => {
  assert.equal(new RaftBench({ ballot: 9 }).core.status().role, "follower");
});

test("§5.2: a leader sends heartbeats to everybody, on and on", () => {
  const bench = new RaftBench().lead();
  for (let i = 0; i < 3; i++) {
    const sent = bench.tick(1).filter(({ kind }) => kind === "Heartbeat");
    assert.deepEqual(kinds(sent), ["Heartbeat 2", "Heartbeat 3"]);
  }
});

test("§5.2: a follower that hears of no leader for an election timeout stands for election", () => {
  const bench = new RaftBench();
  bench.tick(19);
  assert.equal(bench.core.status().role, "pre-candidate");
});

test("§5.2: a follower that hears of its leader in time goes on following", () => {
  const bench = new RaftBench();
  for (let i = 0; i < 10; i++) {
    bench.step(heartbeat(1));
    bench.tick(9);
  }
  assert.equal(bench.core.status().role, "follower");
});

test("§5.2: a candidate counts up its ballot, votes for itself, and asks all others once that is durable", () => {
  const bench = new RaftBench({ log: [1], ballot: 4 });
  bench.core.campaign();
  bench.pump();
  assert.deepEqual(bench.step(preVoteReply(5, true)), []);
  assert.deepEqual(kinds(bench.settle()), ["RequestVote 2", "RequestVote 3"]);
  const { ballot, votedFor } = decode(raftHardStateCodec, bench.hardState);
  assert.deepEqual([ballot, votedFor, bench.core.status().role], [5, 1, "candidate"]);
});

for (const [voters, votes, expected] of [
  [[1], [], "leader"],
  [[1, 2, 3], [[2, true]], "leader"],
  [[1, 2, 3], [], "candidate"],
  [[1, 2, 3], [[2, false]], "candidate"],
  [
    [1, 2, 3],
    [
      [2, false],
      [3, false],
    ],
    "follower",
  ],
  [[1, 2, 3, 4, 5], [[2, true]], "candidate"],
  [
    [1, 2, 3, 4, 5],
    [
      [2, true],
      [3, true],
    ],
    "leader",
  ],
  [
    [1, 2, 3, 4, 5],
    [
      [2, true],
      [2, true],
      [9, true],
    ],
    "candidate",
  ],
] as const)
  test(`§5.2: of voters ${voters.join(" ")}, votes ${JSON.stringify(votes)} make a candidate a ${expected}`, () => {
    const bench = new RaftBench({ voters });
    bench.core.campaign();
    bench.settle();
    for (const from of voters.slice(1)) bench.step(preVoteReply(1, true, { from }));
    bench.settle();
    for (const [from, granted] of votes) bench.step(voteReply(1, granted, { from }));
    assert.equal(bench.core.status().role, expected);
  });

test("§5.2: a candidate's own vote counts only when it is durable", () => {
  const bench = candidate(1);
  bench.step(voteReply(1, true, { from: 2 }));
  assert.equal(bench.core.status().role, "candidate");
  bench.settle();
  assert.equal(bench.core.status().role, "leader");
});

test("§5.2: the durable vote of an earlier ballot does not count in this one", () => {
  const bench = candidate(1);
  bench.tick(19);
  bench.step(preVoteReply(2, true));
  bench.step(voteReply(2, true));
  bench.endWrite();
  assert.deepEqual([bench.core.status().role, bench.core.status().ballot], ["candidate", 2]);
  bench.endWrite();
  assert.equal(bench.core.status().role, "leader");
});

test("§5.2: a replica votes once a ballot, the first comes first", () => {
  const bench = new RaftBench({ ballot: 1 });
  assert.equal(vote(bench, requestVote(2, { from: 2 })), true);
  assert.equal(vote(bench, requestVote(2, { from: 3 })), false);
  assert.equal(vote(bench, requestVote(2, { from: 2 })), true);
});

test("§5.2: a vote leaves only when it is durable, and a restart remembers it", () => {
  const bench = new RaftBench({ ballot: 1 });
  assert.deepEqual(bench.step(requestVote(2, { from: 2 })), []);
  assert.deepEqual(kinds(bench.settle()), ["RequestVoteReply 2"]);
  const { ballot, votedFor } = decode(raftHardStateCodec, bench.hardState);
  const restarted = new RaftBench({ ballot, votedFor: votedFor ?? 0 });
  assert.equal(vote(restarted, requestVote(2, { from: 3 })), false);
  assert.equal(vote(restarted, requestVote(2, { from: 2 })), true);
});

test("§5.2: a candidate that hears of a leader of its ballot follows it", () => {
  const bench = candidate(2);
  bench.settle();
  bench.step(appendEntries(2, { from: 3 }));
  const { role, leader } = bench.core.status();
  assert.deepEqual([role, leader], ["follower", 3]);
});

test("§5.2: a candidate is not impressed by a leader of an earlier ballot", () => {
  const bench = candidate(2);
  bench.settle();
  bench.step(appendEntries(1, { from: 3 }));
  assert.equal(bench.core.status().role, "candidate");
});

test("§5.2: a candidate that wins nothing stands again, in a later ballot", () => {
  const bench = candidate(1);
  bench.settle();
  bench.tick(19);
  bench.step(preVoteReply(2, true));
  assert.equal(bench.core.status().ballot, 2);
});

test("§5.2: election timeouts are drawn anew, from one to two times the shortest", () => {
  const bench = new RaftBench();
  const seen = new Set<number>();
  for (let i = 0; i < 300; i++) {
    bench.step(heartbeat(1));
    let ticks = 0;
    while (bench.core.status().role === "follower") {
      bench.tick(1);
      ticks++;
    }
    bench.step(heartbeat(1));
    seen.add(ticks);
  }
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
  );
});

test("§5.2, Election Safety: a second leader of a ballot is refused, no correct replica leads it", () => {
  const bench = new RaftBench();
  bench.step(heartbeat(2, 0, 0, { from: 2 }));
  assert.equal(bench.refusalOf(heartbeat(2, 0, 0, { from: 3 }))?.kind, "invalid-message");
  assert.equal(bench.core.status().leader, 2);
});

test("§5.4.1: a vote is granted exactly if the candidate's log is not older, for all pairs of last entries", () => {
  const places = [1, 2, 3].flatMap((ballot) => [1, 2, 3].map((length) => ({ ballot, length })));
  for (const own of places)
    for (const other of places) {
      const log = Array.from({ length: own.length }, () => own.ballot);
      const bench = new RaftBench({ log, ballot: 3 });
      const request = requestVote(4, { lastIndex: other.length, lastBallot: other.ballot });
      const isAtLeast =
        other.ballot > own.ballot || (other.ballot === own.ballot && other.length >= own.length);
      assert.equal(vote(bench, request), isAtLeast, `${JSON.stringify(other)} asks ${JSON.stringify(own)}`);
    }
});

test("§5.4.1: entries that are not durable yet count for the comparison", () => {
  const bench = new RaftBench({ log: [1] });
  bench.step(appendEntries(2, { previous: [1, 1], entries: [command(2, 2)] }));
  assert.equal(vote(bench, requestVote(3, { from: 3, lastIndex: 1, lastBallot: 1, transfer: true })), false);
});
