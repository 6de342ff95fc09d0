/** Multi-Paxos' messages as bytes: a version, a tag, the fields in the order of their codec. */

import type { Ballot, Codec, LogIndex } from "@holdfast/base";
import {
  ballot,
  boolean,
  branded,
  DecodeError,
  integer,
  record,
  union,
  variant,
  versioned,
} from "@holdfast/base";
import { entriesCodec, membershipBytesCodec } from "../contract/entries-codec.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { AcceptedSlot, MultiPaxosMessage } from "./messages.ts";

const index = branded<LogIndex>();
const ballotCodec = branded<Ballot>();
const envelope = { from: branded<ReplicaId>(), to: branded<ReplicaId>(), ballot: ballotCodec };

const holdings = { commitIndex: index, heldIndex: index, heldBallot: ballotCodec };

/** The entries, then for each the ballot that it was accepted in. */
const slots: Codec<readonly AcceptedSlot[]> = {
  write: (writer, values) => {
    entriesCodec.write(
      writer,
      values.map(({ entry }) => entry),
    );
    for (const { acceptedIn } of values) writer.varint(acceptedIn);
  },
  read: (reader) =>
    entriesCodec.read(reader).map((entry) => {
      const acceptedIn = ballot(reader.varint());
      if (acceptedIn < entry.ballot)
        throw new DecodeError(`slot ${entry.index} accepted before it was proposed`);
      return { entry, acceptedIn };
    }),
};

const bodies = union({
  Canvass: variant(1, record({ ...envelope, ...holdings, canvass: integer })),
  CanvassReply: variant(2, record({ ...envelope, canvass: integer, granted: boolean })),
  Prepare: variant(3, record({ ...envelope, ...holdings, first: index, transfer: boolean })),
  Promise: variant(4, record({ ...envelope, commitIndex: index, lastIndex: index, slots })),
  Accept: variant(
    5,
    record({ ...envelope, previousIndex: index, entries: entriesCodec, commitIndex: index }),
  ),
  Accepted: variant(6, record({ ...envelope, matchIndex: index })),
  Missing: variant(7, record({ ...envelope, previousIndex: index, acceptedIndex: index, lost: boolean })),
  Preempted: variant(8, record(envelope)),
  Heartbeat: variant(9, record({ ...envelope, commitIndex: index, round: integer })),
  HeartbeatReply: variant(10, record({ ...envelope, round: integer, suspect: boolean })),
  Decide: variant(11, record({ ...envelope, commitIndex: index })),
  Learn: variant(12, record({ ...envelope, entries: entriesCodec })),
  InstallSnapshot: variant(
    13,
    record({
      ...envelope,
      snapshotIndex: index,
      snapshotBallot: ballotCodec,
      membership: membershipBytesCodec,
    }),
  ),
  TakeOver: variant(14, record(envelope)),
  Resign: variant(15, record(envelope)),
  ReadIndexRequest: variant(16, record({ ...envelope, request: integer })),
  ReadIndexReply: variant(17, record({ ...envelope, request: integer, index, commitIndex: index })),
});

export const multiPaxosMessageCodec: Codec<MultiPaxosMessage> = versioned(1, bodies);
