/**
 * What the parts of a Multi-Paxos replica share: the acceptor (Lamport, "Paxos Made Simple", 2001, §2 and §3), that is what
 * it has promised and accepted, and what it knows to be chosen. What a proposer needs beyond that lives in its objects
 * (`preparation.ts`, `leading.ts`).
 *
 *   applied ... commitIndex ... acceptedIndex ... last
 *               chosen |  accepted in this ballot | accepted in earlier ones
 *
 * Values. A slot's entry carries the ballot in which its value was first proposed: index and ballot name the value, for
 * ever and on every replica, as in Raft. In which ballot it was last accepted is kept apart (`acceptances.ts`).
 *
 * Order. Slots are accepted in order, so that a log has no holes. A slot may be given another value while those behind it
 * stay: they are accepted, and nobody but a later leader may replace them.
 *
 * Membership (S14). A membership counts when it is chosen and applied, and its proposer proposes nothing behind it before
 * that. One exception: the entry that ends a joint membership counts once it is accepted here. Any quorum of the new voters
 * meets every quorum of the joint membership, so either may be asked; and the new voters can go on alone
 * although they did not hear that it was chosen before the old ones went away.
 */

import type { Ballot, LogIndex } from "@holdfast/base";
import { assert, ballot, decode, encode, equalBytes, logIndex } from "@holdfast/base";
import type { ConsensusOptions, SnapshotPosition } from "../contract/consensus.ts";
import type { Entry, EntryKind } from "../contract/entry.ts";
import type { Membership } from "../contract/membership.ts";
import { decodeMembership, encodeMembership, isJoint, isVoter } from "../contract/membership.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import { ForwardedReads } from "../raft/forwarded-reads.ts";
import { ReplicaState } from "../replica/replica-state.ts";
import { Acceptances } from "./acceptances.ts";
import { nextBallot } from "./ballots.ts";
import { initialHardState, multiPaxosHardStateCodec } from "./hard-state.ts";
import type { AcceptedSlot, Holdings, MultiPaxosMessage } from "./messages.ts";

export class PaxosCore extends ReplicaState<MultiPaxosMessage> {
  readonly forwardedReads: ForwardedReads;
  readonly #acceptances: Acceptances;
  #onProposalEnd: () => void = () => undefined;

  /** The highest ballot promised. */
  ballot: Ballot;
  /** What it had promised when it found that its log had lost something. */
  readonly #lostBallot: Ballot;
  /** Everything up to here is accepted in this ballot, or chosen. */
  acceptedIndex: LogIndex;
  /** Whoever proposes in this ballot, or asked to: nobody else is helped while it is heard of. */
  patron: ReplicaId | undefined;

  #appliedMembership: Membership;
  #membership: Membership;
  /** The slots behind the applied ones that hold a membership. */
  #membershipsAhead: readonly LogIndex[] = [];
  /** Handed out to be applied, the last membership among them. */
  #handedMembership: { readonly index: LogIndex; readonly membership: Membership } | undefined;
  /** The first of them that is not chosen. */
  #nextMembershipIndex = Number.POSITIVE_INFINITY;

  constructor(options: ConsensusOptions) {
    super(options);
    const { hardState, applied } = options.restored;
    const durable = hardState === undefined ? initialHardState : decode(multiPaxosHardStateCodec, hardState);
    this.ballot = durable.promised;
    this.#lostBallot = ballot(Math.max(durable.promised, this.lost?.ballot ?? 0));
    this.#acceptances = new Acceptances(durable.acceptances);
    this.commitIndex = logIndex(Math.max(applied.index, Math.min(durable.chosenIndex, this.log.lastIndex)));
    this.acceptedIndex = this.commitIndex;
    this.#countAccepted();
    this.#appliedMembership = applied.membership;
    this.#membership = applied.membership;
    this.#refreshMembership();
    this.forwardedReads = new ForwardedReads(this, options.random);
  }

  get membership(): Membership {
    return this.#membership;
  }

  get appliedMembership(): Membership {
    return this.#appliedMembership;
  }

  /** One of the slots up to here holds a membership that is not applied yet. */
  hasMembershipAhead(through: LogIndex): boolean {
    const [next] = this.#membershipsAhead;
    return next !== undefined && next <= through;
  }

  /** May stand for election: a voter that remembers everything it has accepted (S10). */
  get isPromotable(): boolean {
    return (
      this.lost === undefined &&
      (isVoter(this.#membership, this.id) || isVoter(this.#appliedMembership, this.id))
    );
  }

  /** Somebody else than `asker` proposes, and was heard of within the shortest election timeout. */
  protectsFrom(asker: ReplicaId): boolean {
    const { patron, electionElapsed, limits } = this;
    return patron !== undefined && patron !== asker && electionElapsed < limits.electionTicks;
  }

  /** Phase 1b: no lower ballot is helped from now on. `patron` undefined: the ballot is known by hearsay. */
  promise(newBallot: Ballot, patron: ReplicaId | undefined): void {
    assert(newBallot > this.ballot, "ballots only grow");
    this.ballot = newBallot;
    this.acceptedIndex = this.commitIndex;
    this.#saveHardState();
    this.becomeFollower(undefined, patron);
  }

  /** In the ballot promised. */
  becomeFollower(leader: ReplicaId | undefined, patron: ReplicaId | undefined): void {
    this.#enterRole("follower", leader, patron);
    this.resetElectionTimer();
  }

  becomePreCandidate(): void {
    this.#enterRole("pre-candidate", undefined, undefined);
    this.resetElectionTimer();
  }

  /** Promises itself a ballot of its own, above all that it has heard of. `onEnd` is called when that has passed. */
  becomeCandidate(above: Ballot, onEnd: () => void): void {
    assert(this.isPromotable, "only voters stand for election");
    this.promise(nextBallot(ballot(Math.max(above, this.ballot)), this.id), this.id);
    this.#enterRole("candidate", undefined, this.id);
    this.#onProposalEnd = onEnd;
  }

  becomeLeader(): void {
    assert(this.role === "candidate", "leaders are elected");
    this.role = "leader";
    this.leader = this.id;
    this.electionElapsed = 0;
  }

  acceptedIn(entry: Entry): Ballot {
    return this.#acceptances.ballotOf(entry);
  }

  get holdings(): Holdings {
    const { commitIndex, log } = this;
    const next = log.entry(logIndex(commitIndex + 1));
    const heldBallot = next === undefined ? ballot(0) : this.acceptedIn(next);
    let heldIndex = commitIndex;
    for (let entry = next; entry !== undefined && this.acceptedIn(entry) >= heldBallot; ) {
      heldIndex = entry.index;
      entry = log.entry(logIndex(heldIndex + 1));
    }
    return { commitIndex, heldIndex, heldBallot };
  }

  /**
   * Whether it may promise to a proposer that holds as much. S10: a value that was accepted here and lost is missing from
   * the promise; that does no harm when the proposer has the slot as chosen, or accepted in a ballot that is not below.
   */
  mayPromise({ commitIndex, heldIndex, heldBallot }: Holdings): boolean {
    const { lost } = this;
    if (lost === undefined || commitIndex >= lost.index) return true;
    return heldIndex >= lost.index && heldBallot >= this.#lostBallot;
  }

  /** From `first` on, as many as fit, at least one if there is one. */
  acceptedSlots(first: LogIndex): readonly AcceptedSlot[] {
    const { log, limits } = this;
    return log
      .slice(first, log.lastIndex, limits.messageBytesMax)
      .map((entry) => ({ entry, acceptedIn: this.acceptedIn(entry) }));
  }

  /** Phase 2b: these slots, in order, in the ballot promised. The first one is at most just behind `acceptedIndex`. */
  accept(entries: readonly Entry[]): void {
    let isOlder = false;
    for (const entry of entries) {
      if (entry.index <= this.commitIndex) continue;
      this.#put(entry);
      if (entry.ballot < this.ballot) isOlder = true;
    }
    const last = entries.at(-1);
    if (last === undefined || last.index <= this.acceptedIndex) return;
    this.acceptedIndex = last.index;
    if (!isOlder) return;
    this.#acceptances.add(last.index, this.ballot);
    this.#saveHardState();
  }

  /** A new value in the slot behind the last. */
  append(kind: EntryKind, payload: Uint8Array): Entry {
    const index = logIndex(this.log.lastIndex + 1);
    const entry = { index, ballot: this.ballot, kind, payload };
    this.log.append(entry);
    this.acceptedIndex = index;
    if (kind === "membership") this.#refreshMembership();
    return entry;
  }

  /** These are chosen. What leaves a gap tells nothing. */
  learn(entries: readonly Entry[]): void {
    const before = this.commitIndex;
    for (const entry of entries) {
      if (entry.index > this.commitIndex + 1) break;
      if (entry.index <= this.commitIndex) continue;
      this.#put(entry);
      if (entry.index > this.acceptedIndex) this.acceptedIndex = entry.index;
      this.commitTo(entry.index);
    }
    if (this.commitIndex === before) return;
    this.#countAccepted();
    // Answers count these slots without their being accepted in this ballot: a restart has to know them as chosen, too.
    this.#saveHardState();
  }

  /** What a leader of this ballot has told is chosen; slots that are not accepted in it do not count. */
  commitTo(index: LogIndex): void {
    const known = Math.min(index, this.acceptedIndex);
    if (known <= this.commitIndex) return;
    this.commitIndex = logIndex(known);
    if (known < this.#nextMembershipIndex) return;
    // S14: what stands behind a membership is only accepted by those who know it as chosen, and go on knowing it.
    this.#refreshMembership();
    this.#saveHardState();
  }

  /** The state was replaced by a snapshot, which is chosen. What was accepted behind it stays accepted. */
  install(snapshot: SnapshotPosition): void {
    const { log } = this;
    const behind =
      snapshot.index < log.lastIndex
        ? log.slice(logIndex(snapshot.index + 1), log.lastIndex, Number.POSITIVE_INFINITY)
        : [];
    this.restartLog(snapshot);
    for (const entry of behind) log.append(entry);
    this.#countAccepted();
    this.#handedMembership = undefined;
    this.#appliedMembership = snapshot.membership;
    this.#refreshMembership();
  }

  override takeCommitted(): readonly Entry[] {
    const entries = super.takeCommitted();
    for (const { index, kind, payload } of entries)
      if (kind === "membership") this.#handedMembership = { index, membership: decodeMembership(payload) };
    return entries;
  }

  override applied(index: LogIndex): void {
    super.applied(index);
    const handed = this.#handedMembership;
    if (handed === undefined || handed.index > index) return;
    this.#handedMembership = undefined;
    this.#appliedMembership = handed.membership;
    this.#refreshMembership();
  }

  /**
   * S10: the suspicion ends when everything up to the lost place is here again, chosen or accepted in a ballot that is
   * not below any it was accepted in before; or when a value of a later ballot is chosen: its leader found out, without
   * this replica's word, what was chosen in the ballots before.
   */
  settleLost(): void {
    const { lost, writes, commitIndex } = this;
    if (lost === undefined || !writes.hardStateIsDurable) return;
    const isBack = Math.min(this.acceptedIndex, writes.durableIndex) >= lost.index;
    const isOverruled = (this.log.ballotAt(commitIndex) ?? 0) > this.#lostBallot;
    if (isBack || isOverruled) this.lost = undefined;
  }

  override checkInvariants(): void {
    super.checkInvariants();
    assert(this.commitIndex <= this.acceptedIndex, "what is chosen counts as accepted");
    assert(this.acceptedIndex <= this.log.lastIndex, "accepted is in the log");
    assert(this.acceptedIndex >= this.#acceptedInBallot(), "what is accepted in this ballot is counted");
  }

  /** To be called after the chosen prefix has grown at another's word: it may meet what was accepted in this ballot. */
  #countAccepted(): void {
    this.acceptedIndex = logIndex(Math.max(this.acceptedIndex, this.#acceptedInBallot()));
  }

  /** How far the log is chosen or accepted in the ballot promised. */
  #acceptedInBallot(): LogIndex {
    let index = this.commitIndex;
    for (let next = this.log.entry(logIndex(index + 1)); next !== undefined; ) {
      if (this.acceptedIn(next) !== this.ballot) return index;
      index = next.index;
      next = this.log.entry(logIndex(index + 1));
    }
    return index;
  }

  #put(entry: Entry): void {
    const { log, writes } = this;
    if (entry.index > log.lastIndex) {
      log.append(entry);
      if (entry.kind === "membership") this.#refreshMembership();
      return;
    }
    const held = log.entry(entry.index);
    if (held === undefined || held.ballot === entry.ballot) return;
    writes.truncate(entry.index);
    log.replace(entry);
    if (entry.kind === "membership" || held.kind === "membership") this.#refreshMembership();
  }

  /** To be called when a membership was applied, accepted, chosen or replaced. */
  #refreshMembership(): void {
    const { log, appliedIndex, commitIndex } = this;
    const first = logIndex(Math.max(appliedIndex, log.base.index) + 1);
    const ahead =
      first > log.lastIndex
        ? []
        : log
            .slice(first, log.lastIndex, Number.POSITIVE_INFINITY)
            .filter(({ kind }) => kind === "membership");
    const [next] = ahead;
    const endsJoint =
      isJoint(this.#appliedMembership) && next !== undefined && !isJoint(decodeMembership(next.payload));
    this.#countOn(endsJoint ? decodeMembership(next.payload) : this.#appliedMembership);
    this.#membershipsAhead = ahead.map(({ index }) => index);
    this.#nextMembershipIndex =
      this.#membershipsAhead.find((index) => index > commitIndex) ?? Number.POSITIVE_INFINITY;
  }

  /** The object stays the same as long as it says the same. */
  #countOn(membership: Membership): void {
    if (!equalBytes(encodeMembership(membership), encodeMembership(this.#membership)))
      this.#membership = membership;
  }

  #saveHardState(): void {
    const { commitIndex: chosenIndex, ballot: promised } = this;
    this.#acceptances.forget(chosenIndex);
    const { steps: acceptances } = this.#acceptances;
    this.writes.setHardState(encode(multiPaxosHardStateCodec, { promised, acceptances, chosenIndex }));
  }

  #enterRole(
    role: "follower" | "pre-candidate" | "candidate",
    leader: ReplicaId | undefined,
    patron: ReplicaId | undefined,
  ): void {
    const proposed = this.role === "leader" || this.role === "candidate";
    if (leader !== this.leader) this.forwardedReads.abandon();
    this.role = role;
    this.leader = leader;
    this.patron = patron;
    if (!proposed) return;
    const onEnd = this.#onProposalEnd;
    this.#onProposalEnd = () => undefined;
    onEnd();
  }
}
