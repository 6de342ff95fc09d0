/** What stands before a snapshot on its way from host to host, and the answer to it. */

import type { Ballot, Codec, GroupId, LogIndex } from "@holdfast/base";
import { branded, byteView, oneOf, record, text, versioned } from "@holdfast/base";
import type { Membership, ReplicaId } from "@holdfast/consensus";
import { decodeMembership, encodeMembership } from "@holdfast/consensus";

export interface SnapshotHead {
  readonly group: GroupId;
  /** Of the sender's log (S11). */
  readonly incarnation: string;
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  /** The sender's. */
  readonly ballot: Ballot;
  readonly position: { readonly index: LogIndex; readonly ballot: Ballot; readonly membership: Membership };
}

const replica = branded<ReplicaId>();
const ballotCodec = branded<Ballot>();

const membershipCodec: Codec<Membership> = {
  write: (writer, membership) => writer.bytes(encodeMembership(membership)),
  read: (reader) => decodeMembership(byteView.read(reader)),
};

export const snapshotHeadCodec: Codec<SnapshotHead> = versioned(
  1,
  record({
    group: branded<GroupId>(),
    incarnation: text,
    from: replica,
    to: replica,
    ballot: ballotCodec,
    position: record({ index: branded<LogIndex>(), ballot: ballotCodec, membership: membershipCodec }),
  }),
);

/** `taken`: it is durable there, or was not needed; `refused`: try again later. */
export type SnapshotAnswer = "taken" | "refused";

export const snapshotAnswerCodec: Codec<SnapshotAnswer> = versioned(1, oneOf(["taken", "refused"] as const));
