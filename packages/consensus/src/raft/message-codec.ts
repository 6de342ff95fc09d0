/** Raft's messages as bytes: a version, a tag, the fields in the order of their codec. */

import type { Ballot, Codec, Decoded, LogIndex } from "@holdfast/base";
import { boolean, branded, integer, record, union, variant, versioned } from "@holdfast/base";
import { entriesCodec, membershipBytesCodec } from "../contract/entries-codec.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { RaftMessage } from "./messages.ts";

const index = branded<LogIndex>();
const ballotCodec = branded<Ballot>();
const envelope = { from: branded<ReplicaId>(), to: branded<ReplicaId>(), ballot: ballotCodec };
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
      entries: entriesCodec,
      commitIndex: index,
    }),
  ),
  AppendEntriesReply: variant(6, reply),
  Heartbeat: variant(7, record({ ...envelope, commitIndex: index, round: integer })),
  HeartbeatReply: variant(8, record({ ...envelope, round: integer })),
  AdvanceCommit: variant(9, record({ ...envelope, commitIndex: index })),
  InstallSnapshot: variant(
    10,
    record({
      ...envelope,
      snapshotIndex: index,
      snapshotBallot: ballotCodec,
      membership: membershipBytesCodec,
    }),
  ),
  TimeoutNow: variant(11, record(envelope)),
  ReadIndexRequest: variant(12, record({ ...envelope, request: integer })),
  ReadIndexReply: variant(13, record({ ...envelope, request: integer, index, commitIndex: index })),
});

export const raftMessageCodec: Codec<RaftMessage> = versioned(1, bodies);
