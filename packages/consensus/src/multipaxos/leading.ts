/**
 * A proposer whose phase 1 has a quorum: it proposes again what was accepted in earlier ballots, then values of its own
 * (phase 2).
 *
 *   commitIndex ... proposedIndex ... last
 *   chosen | proposed in this ballot | still to be proposed again, while it settles
 */

import type { LogIndex } from "@holdfast/base";
import { assert, emptyBytes, logIndex } from "@holdfast/base";
import type { Entry, EntryKind } from "../contract/entry.ts";
import type { Membership } from "../contract/membership.ts";
import { encodeMembership, isJoint, isVoter, leaveJoint } from "../contract/membership.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { LeaderVoice } from "../replica/followers.ts";
import { Leader } from "../replica/leader.ts";
import type { Accepted, HeartbeatReply, Missing, MultiPaxosMessage, Promised } from "./messages.ts";
import type { PaxosCore } from "./paxos-core.ts";
import type { Preparation } from "./preparation.ts";

export class Leading extends Leader<MultiPaxosMessage> {
  readonly #core: PaxosCore;
  /** Undefined once everything that earlier ballots left is proposed again. */
  #preparation: Preparation | undefined;
  /** Slots up to here are chosen, or proposed in this ballot. */
  #proposedIndex: LogIndex;
  /** The applied membership when this leader last looked. */
  #appliedMembership: Membership;
  /** The first slot whose value is this ballot's own. Undefined while it settles. */
  #firstOwnIndex: LogIndex | undefined;
  #readsAreOpen = false;

  /** To be constructed for a candidate whose preparation has a quorum. */
  constructor(core: PaxosCore, preparation: Preparation) {
    super(core, voiceOf(core));
    this.#core = core;
    this.#preparation = preparation;
    this.#proposedIndex = core.commitIndex;
    this.#appliedMembership = core.appliedMembership;
    core.becomeLeader();
    this.#followMembership();
    // Until they know whom they follow they pass nothing on to it, and would not take over from it.
    this.group.sendHeartbeats();
    this.#settle();
  }

  /** Everything that earlier ballots left is proposed again. */
  get isSettled(): boolean {
    return this.#preparation === undefined;
  }

  override get sendableIndex(): LogIndex {
    return this.#proposedIndex;
  }

  override tick(): void {
    this.#preparation?.tick();
    super.tick();
  }

  onPromise(message: Promised): void {
    this.#preparation?.onPromise(message);
    this.#settle();
  }

  /** More is chosen than it knew. */
  onLearned(): void {
    this.#settle();
  }

  onAccepted({ from, matchIndex }: Accepted): void {
    const progress = this.follower(from);
    if (progress === undefined) return;
    progress.recentlyActive = true;
    if (!progress.onAccepted(matchIndex)) return;
    this.#advanceCommit();
    this.handOver();
  }

  onMissing({ from, previousIndex, acceptedIndex, lost }: Missing): void {
    const progress = this.follower(from);
    if (progress === undefined) return;
    progress.recentlyActive = true;
    if (lost && previousIndex <= progress.matchIndex) progress.onLost(acceptedIndex);
    else progress.onRejected(previousIndex, acceptedIndex);
  }

  onHeartbeatReply({ from, round, suspect }: HeartbeatReply): void {
    this.group.onHeartbeatReply(from, round, this.#proposedIndex);
    // S10: a value of this ballot, once chosen, tells it that what it lost does not matter.
    if (suspect && this.refusal() === undefined && this.#core.log.last.ballot !== this.#core.ballot)
      this.append("empty", emptyBytes);
  }

  /** This replica's own part of the quorum has grown. */
  override onWritten(): void {
    this.#settle();
    this.#advanceCommit();
  }

  /** S14: what waited for a membership to be applied goes on. */
  override onApplied(): void {
    const { appliedMembership } = this.#core;
    if (this.#appliedMembership === appliedMembership) return;
    this.#appliedMembership = appliedMembership;
    this.#followMembership();
    if (this.#firstOwnIndex === undefined) this.#settle();
    else if (!this.#waitsForMembership()) this.#afterMembership();
  }

  /** Leadership ends. */
  abandon(): void {
    this.group.abandon();
  }

  override checkInvariants(): void {
    super.checkInvariants();
    if (this.#firstOwnIndex !== undefined)
      assert(this.#proposedIndex === this.#core.log.lastIndex, "a settled leader proposes all it has");
  }

  /** What is chosen in the whole group may be read once all that earlier ballots left is chosen (S14). */
  protected override readableIndex(): LogIndex | undefined {
    return this.#readsAreOpen ? this.#core.commitIndex : undefined;
  }

  /** A membership that is not applied stalls everything. */
  protected override isChanging(): boolean {
    return false;
  }

  protected override isStalled(): boolean {
    return this.#firstOwnIndex === undefined || this.#waitsForMembership();
  }

  protected override stepDown(): void {
    this.#resign(undefined);
  }

  protected override sayHandOver(to: ReplicaId): void {
    const { id: from, ballot } = this.#core;
    this.#core.send({ kind: "TakeOver", from, to, ballot });
  }

  protected override append(kind: EntryKind, payload: Uint8Array): Entry {
    const entry = super.append(kind, payload);
    this.#proposedIndex = entry.index;
    if (kind === "membership") this.#followMembership();
    return entry;
  }

  /** S14: nothing is proposed behind a membership before it is chosen and applied here. */
  #waitsForMembership(): boolean {
    return this.#core.hasMembershipAhead(this.#proposedIndex);
  }

  /**
   * Proposes again, slot by slot, what earlier ballots may have chosen, before anything of its own. Behind a membership it
   * waits until that is applied, and until a quorum of it has promised: what was chosen under it may be known there alone.
   */
  #settle(): void {
    const preparation = this.#preparation;
    if (preparation === undefined) return;
    const core = this.#core;
    core.isStirred = true;
    // A promise may have told what is chosen.
    if (core.commitIndex > this.#proposedIndex) this.#proposedIndex = core.commitIndex;
    this.#followMembership();
    // It has learned that it was removed.
    if (!core.isPromotable) return this.#resign(this.successor());
    while (preparation.hasQuorum && !this.#waitsForMembership()) {
      const run = this.#nextRun(preparation);
      const last = run.at(-1);
      if (last === undefined) {
        this.#openUp();
        break;
      }
      core.accept(run);
      this.#proposedIndex = last.index;
      this.#followMembership();
    }
    this.countUncommitted();
    this.#preparation?.askNewcomers();
    this.#advanceCommit();
  }

  /** What is to be proposed again next: up to a membership, with it, or to the end. */
  #nextRun(preparation: Preparation): readonly Entry[] {
    const end = preparation.lastIndex;
    const run: Entry[] = [];
    for (let index = this.#proposedIndex + 1; index <= end; index++) {
      const entry = preparation.best(logIndex(index));
      assert(entry !== undefined, `slots are accepted in order, slot ${index} too`);
      run.push(entry);
      if (entry.kind === "membership") break;
    }
    return run;
  }

  #openUp(): void {
    this.#preparation = undefined;
    this.#firstOwnIndex = logIndex(this.#proposedIndex + 1);
    this.#openReads();
    this.#afterMembership();
  }

  /** The membership in force is chosen and applied. A joint one is ended; a leader that is not in it steps down. */
  #afterMembership(): void {
    const core = this.#core;
    core.isStirred = true;
    if (isJoint(core.membership)) this.append("membership", encodeMembership(leaveJoint(core.membership)));
    else if (!isVoter(core.membership, core.id)) this.#resign(this.successor());
  }

  #followMembership(): void {
    const { commitIndex } = this.#core;
    const before = new Set(this.group.all);
    this.group.follow(logIndex(commitIndex + 1));
    // Whoever has promised told up to where its log is chosen.
    for (const progress of this.group.all) {
      const chosen = before.has(progress) ? undefined : this.#preparation?.chosenAt(progress.id);
      if (chosen !== undefined) progress.onAccepted(logIndex(Math.min(chosen, commitIndex)));
    }
  }

  #advanceCommit(): void {
    const core = this.#core;
    const { writes } = core;
    // Re-proposed slots may be durable as values, and not yet as accepted in this ballot.
    const own = writes.hardStateIsDurable
      ? Math.min(writes.durableIndex, this.#proposedIndex)
      : core.commitIndex;
    const reached = Math.min(this.group.quorumMatchIndex(logIndex(own)), this.#proposedIndex);
    if (reached <= core.commitIndex) return;
    this.commit(logIndex(reached));
    this.#openReads();
  }

  #openReads(): void {
    const { commitIndex } = this.#core;
    if (this.#readsAreOpen || this.#firstOwnIndex === undefined || commitIndex + 1 < this.#firstOwnIndex)
      return;
    this.#readsAreOpen = true;
    this.group.onFirstCommit(commitIndex);
  }

  /** Tells what is chosen, then that it leads no more. */
  #resign(successor: ReplicaId | undefined): void {
    const core = this.#core;
    const { id: from, ballot } = core;
    this.group.sendHeartbeats();
    for (const { id: to } of this.group.all)
      if (to === successor) this.sayHandOver(to);
      else core.send({ kind: "Resign", from, to, ballot });
    core.becomeFollower(undefined, undefined);
  }
}

function voiceOf(core: PaxosCore): LeaderVoice {
  const { id: from, ballot } = core;
  return {
    sendEntries: (to, { index: previousIndex }, entries) => {
      const { commitIndex } = core;
      core.send({ kind: "Accept", from, to, ballot, previousIndex, entries, commitIndex });
    },
    sendCommit: (to, commitIndex) => {
      core.send({ kind: "Decide", from, to, ballot, commitIndex });
    },
    sendHeartbeat: (to, commitIndex, round) => {
      core.send({ kind: "Heartbeat", from, to, ballot, commitIndex, round });
    },
    sendReadIndexReply: (to, request, index, commitIndex) => {
      core.send({ kind: "ReadIndexReply", from, to, ballot, request, index, commitIndex });
    },
  };
}
