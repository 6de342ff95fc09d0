/**
 * One replica of one group, whatever the protocol. A synchronous object: the same construction and the same calls give
 * the same answers. Time enters as `tick()`, randomness as the Random given at construction, storage and network as
 * what the host does with `ready()` and says with `step()` and `advance()`.
 *
 * The host's loop, after any number of calls:
 *
 *   1. `ready()`: what there is to do; undefined when there is nothing.
 *   2. `messages` leave at once, in any order, best effort.
 *   3. `write` goes to the log. Writes become durable in their order, several may be in flight. When one is durable:
 *      its `replies` leave, then `advance({ written: write.sequence })`. A failed write is never retried: the replica
 *      ends here, without another word (S11).
 *   4. `committed` is applied in order, then `advance({ applied })` tells the last index. The state machine's state and
 *      this index become durable together (S9); they may do so later.
 *   5. `reads` are answered once the state machine has applied `index`.
 *   6. `fetches` and `snapshots` are done in the background.
 *
 * What must be durable before what may leave is thus in one place: a message is in `messages` only if nothing that is
 * not durable yet stands behind it; everything else travels with its write. Raft: votes, acknowledgements and requests
 * for votes in a new ballot travel with writes; AppendEntries do not, since a leader counts itself only when its own
 * write is durable (Ongaro's thesis, §10.2.1). Multi-Paxos: promises and acceptances travel with writes.
 *
 * Restart: what was durable is given back as `Restored`. Where a membership counts differs: in Raft from the moment
 * its entry is appended (§6), cut off with it; in Multi-Paxos when it is chosen and applied (S14), except that the one which
 * ends a joint membership counts once it is accepted.
 */

import type { Ballot, LogIndex, Random } from "@holdfast/base";
import type { Entry, LogPosition } from "./entry.ts";
import type { Membership, MembershipTarget } from "./membership.ts";
import type { Proposed, Refusal } from "./refusal.ts";
import type { ReplicaId } from "./replica-id.ts";

/** What every message of every protocol says; the host routes by it. */
export interface Envelope {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly ballot: Ballot;
}

export interface Consensus<Message extends Envelope> {
  readonly id: ReplicaId;

  /** A moment has passed. All times are counted in ticks; how long one lasts is the host's. */
  tick(): void;

  /**
   * A message arrived, any number of times, late or out of order. Returns why it was refused if no correct replica
   * could have sent it; then nothing was changed.
   */
  step(message: Message): InvalidMessage | undefined;

  /**
   * Appends a command if this is the leader. It may be lost: its fate is known when an entry with its index is
   * committed, by the ballot that one carries.
   */
  propose(command: Uint8Array): Proposed | Refusal;

  /** Begins a change of membership; joint phases end by themselves. */
  proposeChange(target: MembershipTarget): Proposed | Refusal;

  /**
   * Asks for a read barrier, on any replica (ReadIndex, Ongaro's thesis §6.4). `context` comes back in `Ready.reads`.
   * Barriers asked for between two calls of `ready` share one round.
   */
  readIndex(context: number): void;

  /** Hands leadership to a voter; gives up after an election timeout. */
  transferLeader(to: ReplicaId): Refusal | undefined;

  /** Stands for election now, without waiting for a timeout. No effect on a leader, a learner, a suspect replica. */
  campaign(): void;

  /** Everything to be done since the last call, or undefined. */
  ready(): Ready<Message> | undefined;

  /** How far the host has come. */
  advance(progress: HostProgress): void;

  /** Entries asked for in `Ready.fetches`. */
  provide(fetched: Fetched): void;

  /** What became of a snapshot asked for in `Ready.snapshots`. */
  reportSnapshot(to: ReplicaId, outcome: "delivered" | "failed"): void;

  /** A message to this replica could not be sent. */
  reportUnreachable(id: ReplicaId): void;

  status(): ConsensusStatus;

  /** A leader's view of the others; empty elsewhere. */
  followers(): readonly FollowerStatus[];

  /** Asserts what must hold between any two calls; for tests and simulation. */
  checkInvariants(): void;
}

/** A message that no correct replica could have sent: of another cluster, damaged, or of a program with a fault. */
export interface InvalidMessage {
  readonly kind: "invalid-message";
  readonly problem: string;
}

export interface Ready<Message extends Envelope> {
  /** May leave at once. */
  readonly messages: readonly Message[];
  readonly write: StorageWrite<Message> | undefined;
  /** Committed and durable here, to be applied in order; no more come before `advance({ applied })`. */
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadState[];
  readonly fetches: readonly Fetch[];
  /** Replicas that need a snapshot: the state at any applied index, streamed in the background. */
  readonly snapshots: readonly ReplicaId[];
}

/** One write to the log, as one whole: after a crash all of it is there or none. */
export interface StorageWrite<Message extends Envelope> {
  /** 1, 2, 3, ... since construction. */
  readonly sequence: number;
  /** Opaque to the host; replaces the one before. */
  readonly hardState: Uint8Array | undefined;
  /**
   * The state was replaced by a snapshot that ends here. Log and state change to it together: the host stores the snapshot
   * beside the state, then names it in the log, which begins anew behind it, then makes it the state; a start finishes what a
   * crash left between. It then reports `applied` together with `written`.
   */
  readonly base: SnapshotPosition | undefined;
  /** Contiguous; they replace the log's suffix from the first one on. May be empty, and so may be the whole write. */
  readonly entries: readonly Entry[];
  /** Leave when this write, and all before it, are durable. */
  readonly replies: readonly Message[];
}

/** A snapshot's place in the log, and who belonged to the group there. */
export interface SnapshotPosition extends LogPosition {
  readonly membership: Membership;
}

export interface HostProgress {
  /** All writes up to this sequence are durable. */
  readonly written?: number;
  /** All entries up to this index are applied. */
  readonly applied?: LogIndex;
}

/** The answer to `readIndex`: undefined when nobody could confirm it; ask again. */
export interface ReadState {
  readonly context: number;
  readonly index: LogIndex | undefined;
}

/**
 * A replica needs entries that are no longer in memory: to be read from the log, as many as fit, at least one. They are
 * committed and durable, all of them: what lies behind `through` is not asked for, since it may be replaced meanwhile.
 */
export interface Fetch {
  readonly to: ReplicaId;
  readonly from: LogIndex;
  readonly through: LogIndex;
  readonly bytesMax: number;
}

export type Fetched =
  | {
      readonly kind: "entries";
      readonly to: ReplicaId;
      /** Of the entry before the first. */
      readonly previous: LogPosition;
      readonly entries: readonly Entry[];
    }
  /** The log does not hold them any more: a snapshot has to do. */
  | { readonly kind: "compacted"; readonly to: ReplicaId };

/** What a replica's storage holds when it is constructed. */
export interface Restored {
  /** The last one written, or undefined for a replica that never wrote one. */
  readonly hardState: Uint8Array | undefined;
  /** How far the state machine is, durably. */
  readonly applied: SnapshotPosition;
  /** All durable entries behind `applied`. */
  readonly entries: readonly Entry[];
  /**
   * The log lost entries that may have been acknowledged, up to this place (S10). The host keeps it, whatever is written
   * meanwhile, a snapshot too, until `status().suspect` is false.
   */
  readonly lost: LogPosition | undefined;
}

export interface ConsensusOptions {
  readonly id: ReplicaId;
  readonly random: Random;
  readonly restored: Restored;
  readonly limits: ConsensusLimits;
}

export interface ConsensusLimits {
  /** A follower waits this many ticks, up to twice as many by chance, before it stands for election. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Of the entries in one message, one entry at the least. */
  readonly messageBytesMax: number;
  /** Per follower, sent and not acknowledged. */
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  /** Of a leader's entries that are not committed; beyond, proposals are refused. */
  readonly uncommittedBytesMax: number;
  /** Of the entries in one `Ready.committed`, one entry at the least. */
  readonly committedBytesMax: number;
  /** Of applied entries kept in memory for followers that lag. */
  readonly windowBytesMax: number;
}

export const defaultConsensusLimits: ConsensusLimits = {
  electionTicks: 10,
  heartbeatTicks: 1,
  messageBytesMax: 1024 * 1024,
  inflightMessagesMax: 256,
  inflightBytesMax: 8 * 1024 * 1024,
  uncommittedBytesMax: 64 * 1024 * 1024,
  committedBytesMax: 4 * 1024 * 1024,
  windowBytesMax: 8 * 1024 * 1024,
};

export type ConsensusRole = "follower" | "pre-candidate" | "candidate" | "leader";

export interface ConsensusStatus {
  readonly id: ReplicaId;
  readonly role: ConsensusRole;
  readonly ballot: Ballot;
  readonly leader: ReplicaId | undefined;
  readonly membership: Membership;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  /** The last entry known to be durable here. */
  readonly durableIndex: LogIndex;
  readonly lastIndex: LogIndex;
  /** It lost entries that it may have acknowledged and has not got them back (S10). */
  readonly suspect: boolean;
}

export interface FollowerStatus {
  readonly id: ReplicaId;
  readonly matchIndex: LogIndex;
  readonly nextIndex: LogIndex;
  readonly mode: "probe" | "replicate" | "snapshot";
  readonly recentlyActive: boolean;
}
