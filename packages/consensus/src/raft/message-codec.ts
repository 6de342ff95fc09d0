/** Raft's messages as bytes: a version, a tag, the fields in the order of their codec. */

import type { Ballot, Codec, Decoded, LogIndex } from "@holdfast/base";
import {
  ballot,
  boolean,
  branded,
  byteView,
  DecodeError,
  integer,
  logIndex,
  record,
  union,
  variant,
  versioned,
} from "@holdfast/base";
import type { Entry, EntryKind } from "../contract/entry.ts";
import type { Membership } from "../contract/membership.ts";
import { decodeMembership, encodeMembership } from "../contract/membership.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { RaftMessage } from "./messages.ts";

const index = branded<LogIndex>();
const ballotCodec = branded<Ballot>();
const envelope = { from: branded<ReplicaId>(), to: branded<ReplicaId>(), ballot: ballotCodec };
const entryKinds: readonly EntryKind[] = ["command", "membership", "empty"];

/** Indexes follow from the first. Payloads are views of the message. */
const entries: Codec<readonly Entry[]> = {
  write: (writer, values) => {
    writer.varint(values.length);
    writer.varint(values[0]?.index ?? 0);
    for (const entry of values) {
      writer.u8(entryKinds.indexOf(entry.kind));
      writer.varint(entry.ballot);
      writer.bytes(entry.payload);
    }
  },
  read: (reader) => {
    const count = reader.varint();
    if (count > reader.remaining) throw new DecodeError(`${count} entries in ${reader.remaining} bytes`);
    const first = reader.varint();
    // One encoding per value.
    if (count === 0 && first !== 0) throw new DecodeError(`no entries from ${first} on`);
    if (!Number.isSafeInteger(first + count)) throw new DecodeError("index above 2^53 - 1");
    const values: Entry[] = [];
    for (let i = 0; i < count; i++) {
      const kind = entryKinds[reader.u8()];
      if (kind === undefined) throw new DecodeError("an entry of no known kind");
      const entryBallot = ballot(reader.varint());
      values.push({ index: logIndex(first + i), ballot: entryBallot, kind, payload: reader.bytes() });
    }
    return values;
  },
};

const membership: Codec<Membership> = {
  write: (writer, value) => writer.bytes(encodeMembership(value)),
  read: (reader) => decodeMembership(byteView.read(reader)),
};

const lastEntry = { lastIndex: index, lastBallot: ballotCodec };

const accepted = record({ ...envelope, matchIndex: index });
const rejected = record({
  ...envelope,
  rejectedIndex: index,
  hintIndex: index,
  hintBallot: ballotCodec,
  lost: boolean,
});

type Reply =
  | ({ readonly outcome: "accepted" } & Decoded<typeof accepted>)
  | ({ readonly outcome: "rejected" } & Decoded<typeof rejected>);

const reply: Codec<Reply> = {
  write: (writer, value) => {
    boolean.write(writer, value.outcome === "accepted");
    if (value.outcome === "accepted") accepted.write(writer, value);
    else rejected.write(writer, value);
  },
  read: (reader) =>
    boolean.read(reader)
      ? { outcome: "accepted", ...accepted.read(reader) }
      : { outcome: "rejected", ...rejected.read(reader) },
};

const bodies = union({
  RequestPreVote: variant(1, record({ ...envelope, ...lastEntry })),
  RequestPreVoteReply: variant(2, record({ ...envelope, granted: boolean })),
  RequestVote: variant(3, record({ ...envelope, ...lastEntry, transfer: boolean })),
  RequestVoteReply: variant(4, record({ ...envelope, granted: boolean })),
  AppendEntries: variant(
    5,
    record({
      ...envelope,
      previousIndex: index,
      previousBallot: ballotCodec,
      entries,
      commitIndex: index,
    }),
  ),
  AppendEntriesReply: variant(6, reply),
  Heartbeat: variant(7, record({ ...envelope, commitIndex: index, round: integer })),
  HeartbeatReply: variant(8, record({ ...envelope, round: integer })),
  AdvanceCommit: variant(9, record({ ...envelope, commitIndex: index })),
  InstallSnapshot: variant(
    10,
    record({ ...envelope, snapshotIndex: index, snapshotBallot: ballotCodec, membership }),
  ),
  TimeoutNow: variant(11, record(envelope)),
  ReadIndexRequest: variant(12, record({ ...envelope, request: integer })),
  ReadIndexReply: variant(13, record({ ...envelope, request: integer, index, commitIndex: index })),
});

export const raftMessageCodec: Codec<RaftMessage> = versioned(1, bodies);
