/** What Raft replicas say to each other. `ballot` is the sender's term, except in the two messages of pre-vote. */

import type { Ballot, LogIndex } from "@holdfast/base";
import type { Envelope } from "../contract/consensus.ts";
import type { Entry } from "../contract/entry.ts";
import type { ReadIndexReply, ReadIndexRequest } from "../replica/read-messages.ts";
import type { InstallSnapshot } from "../replica/snapshot-message.ts";

export type RaftMessage =
  | RequestPreVote
  | RequestPreVoteReply
  | RequestVote
  | RequestVoteReply
  | AppendEntries
  | AppendEntriesReply
  | Heartbeat
  | HeartbeatReply
  | AdvanceCommit
  | InstallSnapshot
  | TimeoutNow
  | ReadIndexRequest
  | ReadIndexReply;

/** Would you vote for me? `ballot` is the one that the sender would stand in (Ongaro's thesis, §9.6). */
export interface RequestPreVote extends Envelope {
  readonly kind: "RequestPreVote";
  readonly lastIndex: LogIndex;
  readonly lastBallot: Ballot;
}

/** Granted: `ballot` is the one asked for. Refused: the voter's own. */
export interface RequestPreVoteReply extends Envelope {
  readonly kind: "RequestPreVoteReply";
  readonly granted: boolean;
}

export interface RequestVote extends Envelope {
  readonly kind: "RequestVote";
  readonly lastIndex: LogIndex;
  readonly lastBallot: Ballot;
  /** The leader itself asked for this election: its followers need not protect it. */
  readonly transfer: boolean;
}

export interface RequestVoteReply extends Envelope {
  readonly kind: "RequestVoteReply";
  readonly granted: boolean;
}

export interface AppendEntries extends Envelope {
  readonly kind: "AppendEntries";
  readonly previousIndex: LogIndex;
  readonly previousBallot: Ballot;
  /** None to probe, or to tell the commit index. */
  readonly entries: readonly Entry[];
  readonly commitIndex: LogIndex;
}

export type AppendEntriesReply = Envelope & { readonly kind: "AppendEntriesReply" } & (
    | {
        readonly outcome: "accepted";
        /** The sender's durable log agrees with the leader's up to here. */
        readonly matchIndex: LogIndex;
      }
    | {
        readonly outcome: "rejected";
        /** `previousIndex` of the message that did not fit. */
        readonly rejectedIndex: LogIndex;
        /** Where the logs may agree: the last entry here up to there whose ballot is not above `previousBallot`. */
        readonly hintIndex: LogIndex;
        readonly hintBallot: Ballot;
        /** The sender lost what it had acknowledged (S10): nothing it said before counts. */
        readonly lost: boolean;
      }
  );

export interface Heartbeat extends Envelope {
  readonly kind: "Heartbeat";
  /** Never above what the receiver has acknowledged. */
  readonly commitIndex: LogIndex;
  /** The latest round of read barriers; answered with the same number. */
  readonly round: number;
}

export interface HeartbeatReply extends Envelope {
  readonly kind: "HeartbeatReply";
  readonly round: number;
}

/** More is committed, and no entries are on their way that would say so. Not answered. */
export interface AdvanceCommit extends Envelope {
  readonly kind: "AdvanceCommit";
  /** Never above what the receiver has acknowledged. */
  readonly commitIndex: LogIndex;
}

/** Stand for election at once: leadership is yours to take (Ongaro's thesis, §3.10). */
export interface TimeoutNow extends Envelope {
  readonly kind: "TimeoutNow";
}
