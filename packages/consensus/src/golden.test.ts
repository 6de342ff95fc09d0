/**
 * Bytes of entries, hard states, memberships and messages: logs written once are readable for ever, and replicas of one
 * version understand each other. `GOLDEN_REWRITE=1` writes them anew, for review.
 */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { ballot, DecodeError, decode, encode, fromHex, logIndex, toHex } from "@holdfast/base";
import { command, membership, membershipEntry } from "../test-support/entries.ts";
import {
  accepted,
  appendEntries,
  heartbeat,
  heartbeatReply,
  installSnapshot,
  preVoteReply,
  readIndexReply,
  readIndexRequest,
  rejected,
  requestPreVote,
  requestVote,
  timeoutNow,
  voteReply,
} from "../test-support/raft-message.ts";
import type { Entry } from "./contract/entry.ts";
import { entryOfStored, storedPayload } from "./contract/entry.ts";
import type { Membership } from "./contract/membership.ts";
import { decodeMembership, encodeMembership } from "./contract/membership.ts";
import { replicaId } from "./contract/replica-id.ts";
import type { MultiPaxosHardState } from "./multipaxos/hard-state.ts";
import { initialHardState, multiPaxosHardStateCodec } from "./multipaxos/hard-state.ts";
import { multiPaxosMessageCodec } from "./multipaxos/message-codec.ts";
import type { MultiPaxosMessage } from "./multipaxos/messages.ts";
import { raftHardStateCodec } from "./raft/hard-state.ts";
import { raftMessageCodec } from "./raft/message-codec.ts";
import type { AdvanceCommit } from "./raft/messages.ts";

const joint: Membership = {
  voters: [1, 4, 300].map(replicaId),
  outgoing: [1, 2, 3].map(replicaId),
  learners: [2, 9].map(replicaId),
};

const entries: readonly Entry[] = [
  command(5, 300, "text"),
  membershipEntry(6, 300, joint),
  { index: logIndex(7), ballot: ballot(301), kind: "empty", payload: new Uint8Array(0) },
];

const advanceCommit: AdvanceCommit = {
  kind: "AdvanceCommit",
  from: replicaId(2),
  to: replicaId(1),
  ballot: ballot(300),
  commitIndex: logIndex(129),
};

const last = { lastIndex: 129, lastBallot: 300 };

const messages = [
  requestPreVote(301, last),
  preVoteReply(301, true),
  requestVote(301, { ...last, transfer: true }),
  voteReply(301, false),
  appendEntries(301, { previous: [4, 299], entries, commitIndex: 3 }),
  appendEntries(301),
  accepted(301, 129),
  rejected(301, { rejectedIndex: 129, hintIndex: 128, hintBallot: 300, lost: true }),
  heartbeat(301, 129, 7),
  heartbeatReply(301, 7),
  advanceCommit,
  installSnapshot(301, [129, 300]),
  timeoutNow(301),
  readIndexRequest(301, 2 ** 49),
  readIndexReply(301, 2 ** 49, 129),
];

const hardStates = [
  { ballot: ballot(301), votedFor: replicaId(300) },
  { ballot: ballot(301), votedFor: undefined },
];

const messageEnvelope = { from: replicaId(2), to: replicaId(1), ballot: ballot(3_000_002) };
const holdings = { commitIndex: logIndex(128), heldIndex: logIndex(129), heldBallot: ballot(2_000_003) };

const multiPaxosMessages: readonly MultiPaxosMessage[] = [
  { kind: "Canvass", ...messageEnvelope, canvass: 7, ...holdings },
  { kind: "CanvassReply", ...messageEnvelope, canvass: 7, granted: true },
  { kind: "Prepare", ...messageEnvelope, first: logIndex(129), transfer: true, ...holdings },
  {
    kind: "Promise",
    ...messageEnvelope,
    commitIndex: logIndex(5),
    lastIndex: logIndex(9),
    slots: entries.map((entry) => ({ entry, acceptedIn: ballot(2_000_003) })),
  },
  {
    kind: "Accept",
    ...messageEnvelope,
    previousIndex: logIndex(4),
    entries,
    commitIndex: logIndex(3),
  },
  { kind: "Accepted", ...messageEnvelope, matchIndex: logIndex(129) },
  {
    kind: "Missing",
    ...messageEnvelope,
    previousIndex: logIndex(129),
    acceptedIndex: logIndex(5),
    lost: true,
  },
  { kind: "Preempted", ...messageEnvelope },
  { kind: "Heartbeat", ...messageEnvelope, commitIndex: logIndex(129), round: 7 },
  { kind: "HeartbeatReply", ...messageEnvelope, round: 7, suspect: true },
  { kind: "Decide", ...messageEnvelope, commitIndex: logIndex(129) },
  { kind: "Learn", ...messageEnvelope, entries },
  {
    kind: "InstallSnapshot",
    ...messageEnvelope,
    snapshotIndex: logIndex(129),
    snapshotBallot: ballot(300),
    membership: joint,
  },
  { kind: "TakeOver", ...messageEnvelope },
  { kind: "Resign", ...messageEnvelope },
  { kind: "ReadIndexRequest", ...messageEnvelope, request: 2 ** 49 },
  {
    kind: "ReadIndexReply",
    ...messageEnvelope,
    request: 2 ** 49,
    index: logIndex(129),
    commitIndex: logIndex(128),
  },
];

const multiPaxosHardStates: readonly MultiPaxosHardState[] = [
  initialHardState,
  {
    promised: ballot(3_000_002),
    acceptances: [
      { through: logIndex(6), ballot: ballot(2_000_003) },
      { through: logIndex(129), ballot: ballot(1_000_001) },
    ],
    chosenIndex: logIndex(5),
  },
];

const file = new URL("../testdata/golden.json", import.meta.url);

/** In hexadecimal digits, under the name of its kind. */
function golden(name: string, written: readonly Uint8Array[]): readonly Uint8Array[] {
  const all = JSON.parse(readFileSync(file, "utf8")) as Record<string, readonly string[]>;
  if (process.env["GOLDEN_REWRITE"] === "1") {
    all[name] = written.map(toHex);
    writeFileSync(file, `${JSON.stringify(all, undefined, 2)}\n`);
  }
  return (all[name] ?? []).map((hex) => {
    const bytes = fromHex(hex);
    assert.ok(bytes);
    return bytes;
  });
}

test("golden: entries are written and read as they always were", () => {
  const written = entries.map(storedPayload);
  assert.deepEqual(written, golden("entries-1", written));
  assert.deepEqual(
    written.map((bytes, i) => entryOfStored(logIndex(5 + i), ballot(i < 2 ? 300 : 301), bytes)),
    entries,
  );
});

test("golden: an entry of no known kind is refused", () => {
  assert.throws(() => entryOfStored(logIndex(1), ballot(1), Uint8Array.of(3)), DecodeError);
  assert.throws(() => entryOfStored(logIndex(1), ballot(1), new Uint8Array(0)), DecodeError);
});

test("golden: memberships are written and read as they always were", () => {
  const written = [joint, membership([7])].map(encodeMembership);
  assert.deepEqual(written, golden("memberships-1", written));
  assert.deepEqual(written.map(decodeMembership), [joint, membership([7])]);
});

test("golden: hard states are written and read as they always were", () => {
  const written = hardStates.map((hardState) => encode(raftHardStateCodec, hardState));
  assert.deepEqual(written, golden("raft-hard-states-1", written));
  assert.deepEqual(
    written.map((bytes) => decode(raftHardStateCodec, bytes)),
    hardStates,
  );
});

test("golden: messages of every kind are written and read as they always were", () => {
  assert.equal(new Set(messages.map(({ kind }) => kind)).size, 13);
  const written = messages.map((message) => encode(raftMessageCodec, message));
  assert.deepEqual(written, golden("raft-messages-1", written));
  assert.deepEqual(
    written.map((bytes) => decode(raftMessageCodec, bytes)),
    messages,
  );
});

test("golden: hard states of Multi-Paxos are written and read as they always were", () => {
  const written = multiPaxosHardStates.map((hardState) => encode(multiPaxosHardStateCodec, hardState));
  assert.deepEqual(written, golden("multipaxos-hard-states-1", written));
  assert.deepEqual(
    written.map((bytes) => decode(multiPaxosHardStateCodec, bytes)),
    multiPaxosHardStates,
  );
});

test("golden: messages of Multi-Paxos of every kind are written and read as they always were", () => {
  assert.equal(new Set(multiPaxosMessages.map(({ kind }) => kind)).size, 17);
  const written = multiPaxosMessages.map((message) => encode(multiPaxosMessageCodec, message));
  assert.deepEqual(written, golden("multipaxos-messages-1", written));
  assert.deepEqual(
    written.map((bytes) => decode(multiPaxosMessageCodec, bytes)),
    multiPaxosMessages,
  );
});
