/**
 * What Multi-Paxos replicas say to each other. `ballot` is the ballot that the sender has promised, a proposer's own.
 * Slots are log indexes, and they are the sequence numbers too: an Accept names the slot before its first, so that a
 * receiver which lacks one says so at once.
 */

import type { Ballot, LogIndex } from "@holdfast/base";
import type { Envelope } from "../contract/consensus.ts";
import type { Entry } from "../contract/entry.ts";
import type { ReadIndexReply, ReadIndexRequest } from "../replica/read-messages.ts";
import type { InstallSnapshot } from "../replica/snapshot-message.ts";

export type MultiPaxosMessage =
  | Canvass
  | CanvassReply
  | Prepare
  | Promised
  | Accept
  | Accepted
  | Missing
  | Preempted
  | Heartbeat
  | HeartbeatReply
  | Decide
  | Learn
  | InstallSnapshot
  | TakeOver
  | Resign
  | ReadIndexRequest
  | ReadIndexReply;

/** How much of the log its sender holds for certain; a replica that lost something compares (S10). */
export interface Holdings {
  /** Chosen up to here, as far as it knows. */
  readonly commitIndex: LogIndex;
  /** From there up to here accepted in `heldBallot` or later. */
  readonly heldIndex: LogIndex;
  readonly heldBallot: Ballot;
}

/** Can you hear me, and have you lost your leader too? Nobody prepares a ballot without a quorum that says yes. */
export interface Canvass extends Envelope, Holdings {
  readonly kind: "Canvass";
  /** Answered with the same number. */
  readonly canvass: number;
}

export interface CanvassReply extends Envelope {
  readonly kind: "CanvassReply";
  readonly canvass: number;
  readonly granted: boolean;
}

/** Phase 1a, once for all slots from `first` on. */
export interface Prepare extends Envelope, Holdings {
  readonly kind: "Prepare";
  readonly first: LogIndex;
  /** The leader itself asked for this: its followers need not protect it. */
  readonly transfer: boolean;
}

/** Phase 1b: no ballot below is accepted any more; this is what was. Long answers come in parts, one asked for at a time. */
export interface Promised extends Envelope {
  readonly kind: "Promise";
  /** Slots up to here are chosen: those among `slots` need no ballot. */
  readonly commitIndex: LogIndex;
  /** Of the sender's log. */
  readonly lastIndex: LogIndex;
  /** In order, without gaps, from the slot asked for on, or behind what the sender has in memory. */
  readonly slots: readonly AcceptedSlot[];
}

export interface AcceptedSlot {
  readonly entry: Entry;
  /** In which it was last accepted. */
  readonly acceptedIn: Ballot;
}

/** Phase 2a for the slots behind `previousIndex`. */
export interface Accept extends Envelope {
  readonly kind: "Accept";
  readonly previousIndex: LogIndex;
  /** None to ask where the receiver stands. */
  readonly entries: readonly Entry[];
  readonly commitIndex: LogIndex;
}

/** Phase 2b: every slot up to here is accepted in this ballot, or chosen, durably. */
export interface Accepted extends Envelope {
  readonly kind: "Accepted";
  readonly matchIndex: LogIndex;
}

/** Slots before that Accept are missing here: a message was lost. */
export interface Missing extends Envelope {
  readonly kind: "Missing";
  readonly previousIndex: LogIndex;
  /** Everything up to here is accepted in this ballot, or chosen. */
  readonly acceptedIndex: LogIndex;
  /** The sender lost what it had accepted (S10): nothing it said before counts. */
  readonly lost: boolean;
}

/** A higher ballot was promised, the one of this message. */
export interface Preempted extends Envelope {
  readonly kind: "Preempted";
}

export interface Heartbeat extends Envelope {
  readonly kind: "Heartbeat";
  readonly commitIndex: LogIndex;
  /** The latest round of read barriers; answered with the same number. */
  readonly round: number;
}

export interface HeartbeatReply extends Envelope {
  readonly kind: "HeartbeatReply";
  readonly round: number;
  /** The sender lost what it had accepted, and does not know yet whether that mattered (S10). */
  readonly suspect: boolean;
}

/** More is chosen, and no slots are on their way that would say so. Not answered. */
export interface Decide extends Envelope {
  readonly kind: "Decide";
  readonly commitIndex: LogIndex;
}

/** Chosen slots for a proposer that lags; from any replica, true in any ballot. */
export interface Learn extends Envelope {
  readonly kind: "Learn";
  readonly entries: readonly Entry[];
}

/** Prepare a ballot at once: leadership is yours to take. */
export interface TakeOver extends Envelope {
  readonly kind: "TakeOver";
}

/** The sender leads no more, and knows nobody who does: look for another one now. */
export interface Resign extends Envelope {
  readonly kind: "Resign";
}
