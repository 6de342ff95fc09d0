/**
 * What the parts of a Raft replica share: the state of figure 2 of the paper, the log, and what is to leave with the
 * next `ready()`. What a role needs beyond that lives in its object (`candidacy.ts`, `leading.ts`), which means nothing in
 * any other role.
 */

import type { Ballot, LogIndex } from "@holdfast/base";
import { assert, ballot, decode, encode, logIndex } from "@holdfast/base";
import type { ConsensusOptions, ConsensusRole, SnapshotPosition } from "../contract/consensus.ts";
import type { Entry, EntryKind } from "../contract/entry.ts";
import type { Membership } from "../contract/membership.ts";
import { decodeMembership, isVoter } from "../contract/membership.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import { MembershipHistory } from "../log/membership-history.ts";
import { ForwardedReads } from "../replica/forwarded-reads.ts";
import { ReplicaState } from "../replica/replica-state.ts";
import { initialHardState, raftHardStateCodec } from "./hard-state.ts";
import type { RaftMessage } from "./messages.ts";

export class RaftCore extends ReplicaState<RaftMessage> {
  readonly memberships: MembershipHistory;
  readonly forwardedReads: ForwardedReads;
  #onLeadershipEnd: () => void = () => undefined;

  /** Raft's currentTerm. */
  ballot: Ballot;
  votedFor: ReplicaId | undefined;

  constructor(options: ConsensusOptions) {
    super(options);
    const { hardState, applied, entries } = options.restored;
    this.memberships = new MembershipHistory(applied.index, applied.membership);
    for (const entry of entries) this.#onAppended(entry);
    this.forwardedReads = new ForwardedReads(this, options.random);
    const durable = hardState === undefined ? initialHardState : decode(raftHardStateCodec, hardState);
    // A log does not run ahead of the hard state it was written under; if it did, no vote of that term is known.
    const isBehind = durable.ballot < this.log.last.ballot;
    this.ballot = isBehind ? this.log.last.ballot : durable.ballot;
    this.votedFor = isBehind ? undefined : durable.votedFor;
  }

  get membership(): Membership {
    return this.memberships.latest;
  }

  /**
   * May stand for election: a voter, and also one whose removal is not applied here (Ongaro's thesis, §4.2.2). Else: a
   * leader that removes itself crashes before the entry that does so is committed; it and its like hold that entry and may
   * not stand; those who may lack it, and get no votes from them.
   */
  get isPromotable(): boolean {
    return (
      this.lost === undefined && this.memberships.all.some(({ membership }) => isVoter(membership, this.id))
    );
  }

  becomeFollower(newBallot: Ballot, leader: ReplicaId | undefined): void {
    assert(newBallot >= this.ballot, "ballots only grow");
    if (newBallot > this.ballot) this.#enterBallot(newBallot, undefined);
    this.#enterRole("follower", leader);
    this.resetElectionTimer();
  }

  /** Raft §5.2: a vote for itself in the next term. Its requests leave when that is durable. */
  becomeCandidate(role: "pre-candidate" | "candidate"): void {
    assert(this.isPromotable, "only voters stand for election");
    if (role === "candidate") this.#enterBallot(ballot(this.ballot + 1), this.id);
    this.#enterRole(role, undefined);
    this.resetElectionTimer();
  }

  /** `onEnd` is called when leadership ends, however it does. */
  becomeLeader(onEnd: () => void): void {
    assert(this.role === "candidate", "leaders are elected");
    this.#enterRole("leader", this.id);
    this.#onLeadershipEnd = onEnd;
    this.electionElapsed = 0;
  }

  vote(candidate: ReplicaId): void {
    assert(this.votedFor === undefined || this.votedFor === candidate, "one vote a ballot");
    this.electionElapsed = 0;
    if (this.votedFor === candidate) return;
    this.votedFor = candidate;
    this.#saveHardState();
  }

  /** To the end of the log. */
  append(kind: EntryKind, payload: Uint8Array): Entry {
    const entry = { index: logIndex(this.log.lastIndex + 1), ballot: this.ballot, kind, payload };
    this.log.append(entry);
    this.#onAppended(entry);
    return entry;
  }

  appendAll(entries: readonly Entry[]): void {
    this.log.appendAll(entries);
    for (const entry of entries) this.#onAppended(entry);
  }

  truncate(from: LogIndex): void {
    assert(from > this.commitIndex, `entry ${from} is committed and stays`);
    this.writes.truncate(from);
    this.log.truncate(from);
    this.memberships.truncate(from);
  }

  /** The state was replaced by a snapshot. */
  install(snapshot: SnapshotPosition): void {
    this.restartLog(snapshot);
    this.memberships.reset(snapshot.index, snapshot.membership);
  }

  /** What a leader has told is committed; entries that are not here yet do not count. */
  commitTo(index: LogIndex): void {
    if (index > this.commitIndex) this.commitIndex = logIndex(Math.min(index, this.log.lastIndex));
  }

  override applied(index: LogIndex): void {
    super.applied(index);
    this.memberships.compact(index);
  }

  /**
   * S10: the suspicion ends when the lost entries are back, durably, or when an entry of a later ballot is committed:
   * its leader was elected without this replica's vote for a shorter log, so what it lacks was never committed.
   */
  settleLost(): void {
    const { lost } = this;
    if (lost === undefined) return;
    const isBack = this.writes.durableIndex >= lost.index && this.log.ballotAt(lost.index) === lost.ballot;
    const isOverruled = (this.log.ballotAt(this.commitIndex) ?? 0) > lost.ballot;
    const isCommitted = Math.min(this.commitIndex, this.writes.durableIndex) >= lost.index;
    if (isBack || isOverruled || isCommitted) this.lost = undefined;
  }

  override checkInvariants(): void {
    super.checkInvariants();
    assert(this.log.last.ballot <= this.ballot, "no entry is of a later ballot");
  }

  /** Raft §6: a membership counts from the moment it is in the log. */
  #onAppended({ index, kind, payload }: Entry): void {
    if (kind === "membership") this.memberships.append(index, decodeMembership(payload));
  }

  #enterBallot(newBallot: Ballot, votedFor: ReplicaId | undefined): void {
    this.ballot = newBallot;
    this.votedFor = votedFor;
    this.#saveHardState();
  }

  #saveHardState(): void {
    this.writes.setHardState(encode(raftHardStateCodec, { ballot: this.ballot, votedFor: this.votedFor }));
  }

  #enterRole(role: ConsensusRole, leader: ReplicaId | undefined): void {
    if (this.role === "leader") this.#onLeadershipEnd();
    if (leader !== this.leader) this.forwardedReads.abandon();
    this.role = role;
    this.leader = leader;
  }
}
