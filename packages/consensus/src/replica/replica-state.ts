/**
 * What every replica has, whatever the protocol: the log, how far it is committed and applied, the election timer, and
 * what is to leave with the next `ready()`.
 */

import type { Ballot, LogIndex, Random } from "@holdfast/base";
import { assert, logIndex, uniform } from "@holdfast/base";
import type {
  ConsensusLimits,
  ConsensusOptions,
  ConsensusRole,
  ConsensusStatus,
  Envelope,
  Fetch,
  ReadState,
  Ready,
  SnapshotPosition,
} from "../contract/consensus.ts";
import type { Entry, EntryKind, LogPosition } from "../contract/entry.ts";
import type { Membership } from "../contract/membership.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import { LogWindow } from "../log/log-window.ts";
import { Outbox } from "../log/outbox.ts";
import { WriteQueue } from "../log/write-queue.ts";
import type { ForwardedReads } from "./forwarded-reads.ts";

const noEntries: readonly Entry[] = [];

export abstract class ReplicaState<Message extends Envelope> {
  readonly id: ReplicaId;
  readonly limits: ConsensusLimits;
  readonly log: LogWindow;
  readonly writes: WriteQueue<Message>;
  readonly #random: Random;

  /** Raft: currentTerm. Multi-Paxos: the highest ballot promised. */
  abstract ballot: Ballot;
  /** The one that counts now, for every quorum. */
  abstract readonly membership: Membership;
  /** May stand for election. */
  abstract readonly isPromotable: boolean;
  abstract readonly forwardedReads: ForwardedReads;
  role: ConsensusRole = "follower";
  leader: ReplicaId | undefined;
  commitIndex: LogIndex;
  appliedIndex: LogIndex;
  /** Handed to the host to be applied. */
  #handedIndex: LogIndex;
  /** Entries that this log held, may have acknowledged, and lost (S10). */
  lost: LogPosition | undefined;

  /** Ticks since the leader was heard of; for a leader, since it last checked its quorum. */
  electionElapsed = 0;
  #electionTimeout = 0;

  /** There may be more to do than commit index and role show. */
  isStirred = false;
  readonly messages: Outbox<Message> = new Outbox();
  reads: ReadState[] = [];
  fetches: Fetch[] = [];
  snapshots: ReplicaId[] = [];

  constructor({ id, random, restored, limits }: ConsensusOptions) {
    const { applied, entries, lost } = restored;
    this.id = id;
    this.limits = limits;
    this.#random = random;
    this.log = new LogWindow(applied, entries);
    this.writes = new WriteQueue(this.log);
    this.commitIndex = applied.index;
    this.appliedIndex = applied.index;
    this.#handedIndex = applied.index;
    this.lost = lost;
    this.resetElectionTimer();
  }

  /** A new entry at the end of the log, of this ballot. */
  abstract append(kind: EntryKind, payload: Uint8Array): Entry;
  /** What is known to be committed; only what counts here does. */
  abstract commitTo(index: LogIndex): void;
  /** Ends the suspicion if what was lost is back, or does not matter any more (S10). */
  abstract settleLost(): void;

  get electionIsDue(): boolean {
    return this.electionElapsed >= this.#electionTimeout;
  }

  /** Up to twice as long as the shortest, by chance, so that few stand at once. */
  resetElectionTimer(): void {
    const { electionTicks } = this.limits;
    this.electionElapsed = 0;
    this.#electionTimeout = electionTicks + uniform(this.#random, electionTicks);
  }

  /** The leader is known to be gone: nobody needs to be waited for, but few should stand at once. */
  hastenElection(): void {
    this.electionElapsed = 0;
    this.#electionTimeout = 1 + uniform(this.#random, this.limits.electionTicks);
  }

  /** Leaves at once: nothing that is not durable stands behind it. */
  send(message: Message): void {
    this.messages.add(message);
  }

  /** Leaves once everything so far is durable. */
  sendWhenDurable(message: Message): void {
    if (this.writes.isIdle) this.messages.add(message);
    else this.writes.replyWhenDurable(message);
  }

  /** The state was replaced by a snapshot: the log begins anew behind it. */
  protected restartLog(snapshot: SnapshotPosition): void {
    assert(snapshot.index > this.commitIndex, "a snapshot leads forward");
    this.log.reset(snapshot);
    this.writes.reset(snapshot);
    this.commitIndex = snapshot.index;
    this.#handedIndex = snapshot.index;
  }

  /** S9: only what is durable here is applied. */
  get applicableIndex(): LogIndex {
    return logIndex(Math.min(this.commitIndex, this.writes.durableIndex));
  }

  /** There is something to apply, and all that was handed out before is applied. */
  get hasUnhanded(): boolean {
    return this.#handedIndex <= this.appliedIndex && this.#handedIndex < this.applicableIndex;
  }

  /** One batch at a time. */
  takeCommitted(): readonly Entry[] {
    if (!this.hasUnhanded) return noEntries;
    const from = logIndex(this.#handedIndex + 1);
    const entries = this.log.slice(from, this.applicableIndex, this.limits.committedBytesMax);
    this.#handedIndex = logIndex(this.#handedIndex + entries.length);
    return entries;
  }

  applied(index: LogIndex): void {
    assert(
      index >= this.appliedIndex && index <= this.#handedIndex,
      "what was handed out is applied, in order",
    );
    this.appliedIndex = index;
    const unneeded = logIndex(Math.min(index, this.writes.durableIndex));
    this.log.shrink(unneeded, this.limits.windowBytesMax);
  }

  /**
   * Asks the host for entries before the window. False when they are not to be had yet: the log on disk may still hold what a
   * snapshot has replaced, and that was perhaps never committed.
   */
  fetch(to: ReplicaId, from: LogIndex): boolean {
    if (!this.writes.baseIsDurable) {
      // Asked again when a write has ended.
      this.isStirred = true;
      return false;
    }
    const { index: through } = this.log.base;
    this.fetches.push({ to, from, through, bytesMax: this.limits.messageBytesMax });
    return true;
  }

  /** Everything to be done since the last call. */
  takeReady(): Ready<Message> | undefined {
    const committed = this.takeCommitted();
    const write = this.writes.take();
    const messages = this.messages.take();
    const { reads, fetches, snapshots } = this;
    const somethingElse = reads.length > 0 || fetches.length > 0 || snapshots.length > 0;
    if (write === undefined && committed.length === 0 && messages.length === 0 && !somethingElse)
      return undefined;
    if (somethingElse) {
      this.reads = [];
      this.fetches = [];
      this.snapshots = [];
    }
    return { messages, write, committed, reads, fetches, snapshots };
  }

  status(): ConsensusStatus {
    const { id, role, ballot, leader, membership, commitIndex, appliedIndex, writes, log, lost } = this;
    const { durableIndex } = writes;
    const { lastIndex } = log;
    const suspect = lost !== undefined;
    return {
      id,
      role,
      ballot,
      leader,
      membership,
      commitIndex,
      appliedIndex,
      durableIndex,
      lastIndex,
      suspect,
    };
  }

  /** For invariants: the host has been given everything. */
  get hasNothingToDo(): boolean {
    const { messages, writes, reads, fetches, snapshots } = this;
    const isEmpty = reads.length + fetches.length + snapshots.length === 0;
    return messages.isEmpty && writes.isEmpty && !this.hasUnhanded && isEmpty;
  }

  checkInvariants(): void {
    assert(this.appliedIndex <= this.#handedIndex, "applied follows handed out");
    assert(this.#handedIndex <= this.commitIndex, "handed out follows committed");
    assert(this.commitIndex <= this.log.lastIndex, "committed is in the log");
    assert(this.writes.durableIndex <= this.log.lastIndex, "durable is in the log");
    assert(this.log.base.index <= this.#handedIndex, "what is still to be handed out is in memory");
    assert(this.leader !== this.id || this.role === "leader", "a leader knows it");
  }
}
