/** One test for each rule of the paper on logs: Raft (extended version), figure 2, §5.3, §5.4.2, §5.5, §7. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "@holdfast/base";
import { command } from "../../../test-support/entries.ts";
import { RaftBench } from "../../../test-support/raft-bench.ts";
import {
  accepted,
  appendEntries,
  heartbeat,
  heartbeatReply,
  installSnapshot,
  rejected,
  voteReply,
} from "../../../test-support/raft-message.ts";
import { raftHardStateCodec } from "../hard-state.ts";
import type { AppendEntries, RaftMessage } from "../messages.ts";

function appends(messages: readonly RaftMessage[], to?: number): readonly AppendEntries[] {
  return messages
    .filter((message): message is AppendEntries => message.kind === "AppendEntries")
    .filter((message) => to === undefined || message.to === to);
}

function replies(messages: readonly RaftMessage[]): readonly string[] {
  return messages.flatMap((message) => {
    if (message.kind !== "AppendEntriesReply") return [];
    return message.outcome === "accepted"
      ? [`accepted ${message.matchIndex}`]
      : [`rejected ${message.rejectedIndex}, hint ${message.hintIndex}/${message.hintBallot}`];
  });
}

/** What a replica took, told once it is durable. */
function append(bench: RaftBench, message: AppendEntries): readonly string[] {
  return replies([...bench.step(message), ...bench.settle()]);
}

test("§5.3: a leader appends a command to its log and sends it to everybody, with the entry before it", () => {
  const bench = new RaftBench().lead();
  bench.settle();
  bench.step(accepted(1, 1));
  bench.step(accepted(1, 1, { from: 3 }));
  const proposed = bench.core.propose(command(0, 0, "x").payload);
  assert.deepEqual(proposed, { kind: "proposed", index: 2, ballot: 1 });
  for (const message of appends(bench.pump())) {
    const { previousIndex, previousBallot, entries } = message;
    assert.deepEqual([previousIndex, previousBallot, entries], [1, 1, [command(2, 1, "x")]]);
  }
});

test("§5.3: an entry is committed when a majority holds it durably, the leader itself among them", () => {
  const bench = new RaftBench().lead();
  bench.step(accepted(1, 1));
  assert.equal(bench.core.status().commitIndex, 0);
  bench.settle();
  assert.equal(bench.core.status().commitIndex, 1);
});

test("§5.3: with the leader not durable, all others are enough", () => {
  const bench = new RaftBench().lead();
  bench.step(accepted(1, 1));
  bench.step(accepted(1, 1, { from: 3 }));
  const { commitIndex, durableIndex } = bench.core.status();
  assert.deepEqual([commitIndex, durableIndex], [1, 0]);
  assert.deepEqual(bench.applied, []);
});

test("§5.3: committed entries are applied in the order of the log, each once", () => {
  const bench = new RaftBench({ log: [1, 1, 1], ballot: 2 });
  bench.step(heartbeat(2, 2));
  bench.step(heartbeat(2, 2));
  bench.step(heartbeat(2, 1));
  bench.step(heartbeat(2, 3));
  assert.deepEqual(
    bench.applied.map(({ index }) => index),
    [1, 2, 3],
  );
});

test("§5.3: followers learn of the commit index from the next message", () => {
  const bench = new RaftBench({ log: [1, 1], ballot: 1 });
  bench.step(appendEntries(1, { previous: [2, 1], commitIndex: 1 }));
  assert.equal(bench.core.status().commitIndex, 1);
});

test("figure 2: a commit index beyond the entries of the message goes no further than these", () => {
  const bench = new RaftBench({ log: [1, 1, 1], ballot: 2 });
  bench.step(appendEntries(2, { previous: [1, 1], commitIndex: 3 }));
  assert.equal(bench.core.status().commitIndex, 1);
});

for (const [name, log, previous, reply] of [
  ["fits at the beginning", [], [0, 0], "accepted 1"],
  ["fits behind the last entry", [1, 2], [2, 2], "accepted 3"],
  ["fits in the middle", [1, 2, 2], [1, 1], "accepted 2"],
  ["does not fit: there is a gap", [1], [2, 1], "rejected 2, hint 1/1"],
  ["does not fit: another ballot there", [1, 2], [2, 3], "rejected 2, hint 2/2"],
  ["does not fit: a later ballot there", [1, 3, 3], [3, 2], "rejected 3, hint 1/1"],
] as const)
  test(`§5.3: an append that ${name} is answered so`, () => {
    const bench = new RaftBench({ log, ballot: 3 });
    const [index, ballot] = previous;
    const message = appendEntries(4, { previous: [index, ballot], entries: [command(index + 1, 4)] });
    assert.deepEqual(append(bench, message), [reply]);
  });

for (const [name, log, entries, expected] of [
  ["a conflict cuts the log from there on", [1, 2, 2, 2], [1, 3], [1, 1, 3]],
  ["more than is here is appended", [1], [1, 3], [1, 1, 3]],
  ["less than is here cuts nothing", [1, 1, 1, 1], [1], [1, 1, 1, 1]],
  ["the same again changes nothing", [1, 1, 3], [1, 3], [1, 1, 3]],
] as const)
  test(`§5.3: entries behind 1: ${name}`, () => {
    const bench = new RaftBench({ log, ballot: 3 });
    const sent = entries.map((ballot, i) => command(i + 2, ballot));
    append(bench, appendEntries(4, { previous: [1, 1], entries: sent }));
    const length = expected.length;
    assert.equal(bench.core.status().lastIndex, length);
    bench.step(appendEntries(4, { previous: [length, expected.at(-1) ?? 0], commitIndex: length }));
    assert.deepEqual(
      bench.applied.map(({ ballot }) => ballot),
      expected,
    );
  });

test("§5.3: nothing that is committed is ever cut, whatever comes late", () => {
  const bench = new RaftBench({ log: [1, 1], ballot: 1 });
  bench.step(heartbeat(1, 2));
  const late = appendEntries(1, { previous: [0, 0], entries: [command(1, 1)], commitIndex: 0 });
  assert.deepEqual(append(bench, late), ["accepted 2"]);
  assert.equal(bench.core.status().lastIndex, 2);
});

test("§5.3: an acknowledgement leaves when what it acknowledges is durable, for a repeated message too", () => {
  const bench = new RaftBench();
  const message = appendEntries(1, { entries: [command(1, 1)] });
  assert.deepEqual(bench.step(message), []);
  assert.deepEqual(bench.step(message), []);
  assert.deepEqual(replies(bench.settle()), ["accepted 1", "accepted 1"]);
});

test("§5.3: a leader steps back to where the logs may agree, past whole ballots at a time", () => {
  const bench = new RaftBench({ log: [1, 1, 4, 4, 5, 5, 5], ballot: 5 }).lead();
  bench.settle();
  const sent = bench.step(rejected(6, { rejectedIndex: 7, hintIndex: 6, hintBallot: 3 }));
  assert.deepEqual(
    appends(sent, 2).map(({ previousIndex, previousBallot }) => [previousIndex, previousBallot]),
    [[2, 1]],
  );
});

test("§5.3: a rejection that comes late or twice moves nothing", () => {
  const bench = new RaftBench({ log: [1, 1, 1], ballot: 1 }).lead();
  bench.settle();
  const rejection = rejected(2, { rejectedIndex: 3, hintIndex: 1, hintBallot: 1 });
  assert.equal(appends(bench.step(rejection), 2).length, 1);
  assert.equal(appends(bench.step(rejection), 2).length, 0);
  bench.step(accepted(2, 4));
  assert.equal(appends(bench.step(rejection), 2).length, 0);
  assert.equal(bench.core.followers()[0]?.mode, "replicate");
});

test("§5.3, Leader Append-Only: a leader refuses to be told what its log is", () => {
  const bench = new RaftBench({ log: [1, 1], ballot: 1 }).lead();
  const foreign = appendEntries(2, { previous: [0, 0], entries: [command(1, 2)] });
  assert.equal(bench.refusalOf(foreign)?.kind, "invalid-message");
  assert.equal(bench.core.status().lastIndex, 3);
});

test("§5.4.2: entries of earlier ballots are not committed by counting, but with one of the leader's own", () => {
  const bench = new RaftBench({ log: [1, 2], ballot: 2 }).lead();
  bench.settle();
  bench.step(accepted(3, 2));
  bench.step(accepted(3, 2, { from: 3 }));
  assert.equal(bench.core.status().commitIndex, 0);
  bench.step(accepted(3, 3));
  assert.equal(bench.core.status().commitIndex, 3);
});

test("§5.5: what a replica is asked twice, it answers twice alike", () => {
  const bench = new RaftBench({ log: [1] });
  const message = appendEntries(2, { previous: [1, 1], entries: [command(2, 2)] });
  assert.deepEqual([...append(bench, message), ...append(bench, message)], ["accepted 2", "accepted 2"]);
  assert.equal(bench.core.status().lastIndex, 2);
});

test("§5.5: a follower that does not answer is asked on and on", () => {
  const bench = new RaftBench().lead();
  bench.settle();
  bench.step(accepted(1, 1));
  bench.core.propose(command(0, 0, "x").payload);
  bench.pump();
  bench.tick(1);
  // It lives, what was sent is lost: it is asked where it stands, and gets it again.
  const [probe] = appends(bench.step(heartbeatReply(1)), 2);
  assert.equal(probe?.previousIndex, 2);
  const again = appends(bench.step(rejected(1, { rejectedIndex: 2, hintIndex: 1, hintBallot: 1 })), 2);
  assert.deepEqual(
    again.map(({ entries }) => entries.map(({ index }) => index)),
    [[2]],
  );
});

test("figure 2: ballot, vote and log are durable before anything that depends on them is said", () => {
  const bench = new RaftBench({ log: [1] });
  const message = appendEntries(5, { previous: [1, 1], entries: [command(2, 5)] });
  assert.deepEqual(bench.step(message), []);
  bench.settle();
  assert.equal(decode(raftHardStateCodec, bench.hardState).ballot, 5);
});

test("§7: a snapshot replaces a log that it does not find itself in", () => {
  const bench = new RaftBench({ log: [1, 1], ballot: 2 });
  const told = [...bench.step(installSnapshot(2, [9, 2])), ...bench.settle()];
  const { commitIndex, appliedIndex, lastIndex } = bench.core.status();
  assert.deepEqual([commitIndex, appliedIndex, lastIndex], [9, 9, 9]);
  assert.deepEqual(replies(told), ["accepted 9"]);
});

test("§7: a snapshot of what the log holds leaves what follows where it is", () => {
  const bench = new RaftBench({ log: [1, 1, 2], ballot: 2 });
  bench.step(installSnapshot(2, [2, 1]));
  bench.settle();
  const { commitIndex, lastIndex } = bench.core.status();
  assert.deepEqual([commitIndex, lastIndex], [2, 3]);
});

test("§7: a snapshot from before what is committed changes nothing", () => {
  const bench = new RaftBench({ log: [1, 1, 2], ballot: 2 });
  bench.step(heartbeat(2, 3));
  const told = [...bench.step(installSnapshot(2, [1, 1])), ...bench.settle()];
  assert.deepEqual(replies(told), ["accepted 3"]);
  assert.equal(bench.core.status().lastIndex, 3);
});

test("§8: a new leader begins its ballot with an empty entry", () => {
  const bench = new RaftBench({ log: [1], ballot: 1 }).lead();
  bench.settle();
  bench.step(accepted(bench.core.status().ballot, 2));
  assert.deepEqual(
    bench.applied.map(({ kind, ballot }) => [kind, ballot]),
    [
      ["command", 1],
      ["empty", bench.core.status().ballot],
    ],
  );
});

test("§5.1: a late vote of an earlier ballot elects nobody", () => {
  const bench = new RaftBench();
  bench.step(voteReply(1, true));
  bench.step(voteReply(1, true, { from: 3 }));
  assert.equal(bench.core.status().role, "follower");
});
