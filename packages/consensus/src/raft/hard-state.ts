/** What a Raft replica must not forget: its term and its vote in it (Raft, figure 2). The log keeps the rest. */

import type { Ballot, Codec } from "@holdfast/base";
import { ballot, branded, optional, record, versioned } from "@holdfast/base";
import type { ReplicaId } from "../contract/replica-id.ts";

export interface RaftHardState {
  readonly ballot: Ballot;
  readonly votedFor: ReplicaId | undefined;
}

export const raftHardStateCodec: Codec<RaftHardState> = versioned(
  1,
  record({ ballot: branded<Ballot>(), votedFor: optional(branded<ReplicaId>()) }),
);

export const initialHardState: RaftHardState = { ballot: ballot(0), votedFor: undefined };
