/**
 * A proposer whose phase 1 has a quorum: it proposes again what was accepted in earlier ballots, then values of its own
 * (phase 2). Membership, read barriers, handing over as in Raft.
 *
 *   commitIndex ... proposedIndex ... last
 *   chosen | proposed in this ballot | still to be proposed again, while it settles
 */

import type { LogIndex } from "@holdfast/base";
import { assert, emptyBytes, logIndex } from "@holdfast/base";
import type { Fetched } from "../contract/consensus.ts";
import type { Entry, EntryKind } from "../contract/entry.ts";
import { entryBytes } from "../contract/entry.ts";
import type { Membership, MembershipTarget } from "../contract/membership.ts";
import {
  encodeMembership,
  enterChange,
  isJoint,
  isVoter,
  leaveJoint,
  problemOfTarget,
} from "../contract/membership.ts";
import type { Proposed, Refusal } from "../contract/refusal.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { FollowerProgress } from "../replica/follower-progress.ts";
import type { LeaderVoice } from "../replica/followers.ts";
import { Followers } from "../replica/followers.ts";
import type { ReadIndexRequest } from "../replica/read-messages.ts";
import type { Leadership } from "../replica/replica.ts";
import type { Accepted, HeartbeatReply, Missing, MultiPaxosMessage, Promised } from "./messages.ts";
import type { PaxosCore } from "./paxos-core.ts";
import type { Preparation } from "./preparation.ts";

export class Leading implements Leadership {
  readonly #core: PaxosCore;
  readonly #followers: Followers<MultiPaxosMessage>;
  /** Undefined once everything that earlier ballots left is proposed again. */
  #preparation: Preparation | undefined;
  /** Slots up to here are chosen, or proposed in this ballot. */
  #proposedIndex: LogIndex;
  /** The applied membership when this leader last looked. */
  #appliedMembership: Membership;
  /** The first slot whose value is this ballot's own. Undefined while it settles. */
  #firstOwnIndex: LogIndex | undefined;
  #readsAreOpen = false;
  #uncommittedBytes = 0;
  #transfer: { readonly to: ReplicaId; sent: boolean } | undefined;

  /** To be constructed for a candidate whose preparation has a quorum. */
  constructor(core: PaxosCore, preparation: Preparation) {
    this.#core = core;
    this.#preparation = preparation;
    this.#proposedIndex = core.commitIndex;
    this.#appliedMembership = core.appliedMembership;
    core.becomeLeader();
    this.#followers = new Followers(core, voiceOf(core));
    this.#followMembership();
    // Until they know whom they follow they pass nothing on to it, and would not take over from it.
    this.#followers.sendHeartbeats();
    this.#settle();
  }

  get followers(): Iterable<FollowerProgress> {
    return this.#followers.all;
  }

  follower(id: ReplicaId): FollowerProgress | undefined {
    return this.#followers.get(id);
  }

  get round(): number {
    return this.#followers.round;
  }

  /** Everything that earlier ballots left is proposed again. */
  get isSettled(): boolean {
    return this.#preparation === undefined;
  }

  get proposedIndex(): LogIndex {
    return this.#proposedIndex;
  }

  propose(command: Uint8Array): Proposed | Refusal {
    const refusal = this.#refusal();
    if (refusal !== undefined) return refusal;
    const { uncommittedBytesMax } = this.#core.limits;
    // A single large one passes when nothing else waits.
    if (this.#uncommittedBytes > 0 && this.#uncommittedBytes + command.length > uncommittedBytesMax)
      return { kind: "overloaded" };
    return proposed(this.#append("command", command));
  }

  proposeChange(target: MembershipTarget): Proposed | Refusal {
    const problem = problemOfTarget(target);
    if (problem !== undefined) return { kind: "invalid-change", problem };
    const refusal = this.#refusal();
    if (refusal !== undefined) return refusal;
    const { membership } = this.#core;
    if (isJoint(membership)) return { kind: "change-in-progress" };
    const next = enterChange(membership, target);
    if (next === undefined) return { kind: "invalid-change", problem: "nothing would change" };
    return proposed(this.#append("membership", encodeMembership(next)));
  }

  transferLeader(to: ReplicaId): Refusal | undefined {
    const core = this.#core;
    if (to === core.id || !isVoter(core.membership, to))
      return { kind: "invalid-change", problem: `replica ${to} is no other voter` };
    if (this.#transfer?.to === to) return undefined;
    this.#transfer = { to, sent: false };
    core.electionElapsed = 0;
    this.#handOver();
    return undefined;
  }

  readLocally(context: number): void {
    this.#followers.read({ kind: "local", context }, this.#readableIndex);
  }

  onReadIndexRequest({ from, request }: ReadIndexRequest): void {
    this.#followers.read({ kind: "remote", from, request }, this.#readableIndex);
  }

  tick(): void {
    const core = this.#core;
    core.electionElapsed++;
    if (core.electionElapsed >= core.limits.electionTicks) {
      core.electionElapsed = 0;
      // Not done in time: its followers have had enough of waiting.
      this.#transfer = undefined;
      if (!this.#followers.checkQuorum()) return this.#resign(undefined);
    }
    this.#preparation?.tick();
    this.#followers.tick();
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
    const progress = this.#followers.get(from);
    if (progress === undefined) return;
    progress.recentlyActive = true;
    if (!progress.onAccepted(matchIndex)) return;
    this.#advanceCommit();
    this.#handOver();
  }

  onMissing({ from, previousIndex, acceptedIndex, lost }: Missing): void {
    const progress = this.#followers.get(from);
    if (progress === undefined) return;
    progress.recentlyActive = true;
    if (lost && previousIndex <= progress.matchIndex) progress.onLost(acceptedIndex);
    else progress.onRejected(previousIndex, acceptedIndex);
  }

  onHeartbeatReply({ from, round, suspect }: HeartbeatReply): void {
    this.#followers.onHeartbeatReply(from, round, this.#proposedIndex);
    // S10: a value of this ballot, once chosen, tells it that what it lost does not matter.
    if (suspect && this.#refusal() === undefined && this.#core.log.last.ballot !== this.#core.ballot)
      this.#append("empty", emptyBytes);
  }

  /** This replica's own part of the quorum has grown. */
  onWritten(): void {
    this.#settle();
    this.#advanceCommit();
  }

  /** S14: what waited for a membership to be applied goes on. */
  onApplied(): void {
    const { appliedMembership } = this.#core;
    if (this.#appliedMembership === appliedMembership) return;
    this.#appliedMembership = appliedMembership;
    this.#followMembership();
    if (this.#firstOwnIndex === undefined) this.#settle();
    else if (!this.#waitsForMembership) this.#afterMembership();
  }

  provide(fetched: Fetched): void {
    this.#followers.provide(fetched, this.#proposedIndex);
  }

  prepare(): void {
    this.#followers.prepare(this.#proposedIndex);
  }

  get isPrepared(): boolean {
    return this.#followers.isPrepared(this.#proposedIndex);
  }

  /** Leadership ends. */
  abandon(): void {
    this.#followers.abandon();
  }

  checkInvariants(): void {
    const { log, commitIndex } = this.#core;
    this.#followers.checkInvariants(this.#proposedIndex);
    if (this.#firstOwnIndex !== undefined)
      assert(this.#proposedIndex === log.lastIndex, "a settled leader proposes all it has");
    assert(
      this.#core.log.bytesBehind(commitIndex) === this.#uncommittedBytes,
      "uncommitted bytes are counted",
    );
  }

  /** What is chosen in the whole group may be read once all that earlier ballots left is chosen (S14). */
  get #readableIndex(): LogIndex | undefined {
    return this.#readsAreOpen ? this.#core.commitIndex : undefined;
  }

  /** S14: nothing is proposed behind a membership before it is chosen and applied here. */
  get #waitsForMembership(): boolean {
    return this.#core.hasMembershipAhead(this.#proposedIndex);
  }

  #refusal(): Refusal | undefined {
    if (this.#transfer !== undefined) return { kind: "transferring", to: this.#transfer.to };
    const waits = this.#firstOwnIndex === undefined || this.#waitsForMembership;
    return waits ? { kind: "change-in-progress" } : undefined;
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
    if (!core.isPromotable) return this.#resign(this.#successor());
    while (preparation.hasQuorum && !this.#waitsForMembership) {
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
    this.#uncommittedBytes = this.#core.log.bytesBehind(core.commitIndex);
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
    if (isJoint(core.membership)) this.#append("membership", encodeMembership(leaveJoint(core.membership)));
    else if (!isVoter(core.membership, core.id)) this.#resign(this.#successor());
  }

  #append(kind: EntryKind, payload: Uint8Array): Entry {
    const entry = this.#core.append(kind, payload);
    this.#proposedIndex = entry.index;
    this.#uncommittedBytes += entryBytes(entry);
    if (kind === "membership") this.#followMembership();
    return entry;
  }

  #followMembership(): void {
    const { commitIndex } = this.#core;
    const before = new Set(this.#followers.all);
    this.#followers.follow(logIndex(commitIndex + 1));
    // Whoever has promised told up to where its log is chosen.
    for (const progress of this.#followers.all) {
      const chosen = before.has(progress) ? undefined : this.#preparation?.chosenAt(progress.id);
      if (chosen !== undefined) progress.onAccepted(logIndex(Math.min(chosen, commitIndex)));
    }
  }

  #advanceCommit(): void {
    const core = this.#core;
    const { writes, log } = core;
    // Re-proposed slots may be durable as values, and not yet as accepted in this ballot.
    const own = writes.hardStateIsDurable
      ? Math.min(writes.durableIndex, this.#proposedIndex)
      : core.commitIndex;
    const reached = Math.min(this.#followers.quorumMatchIndex(logIndex(own)), this.#proposedIndex);
    if (reached <= core.commitIndex) return;
    for (let i = core.commitIndex + 1; i <= reached; i++) {
      const entry = log.entry(logIndex(i));
      if (entry !== undefined) this.#uncommittedBytes -= entryBytes(entry);
    }
    core.commitTo(logIndex(reached));
    this.#openReads();
  }

  #openReads(): void {
    const { commitIndex } = this.#core;
    if (this.#readsAreOpen || this.#firstOwnIndex === undefined || commitIndex + 1 < this.#firstOwnIndex)
      return;
    this.#readsAreOpen = true;
    this.#followers.onFirstCommit(commitIndex);
  }

  /** The voter that has accepted most; of several the one that leadership is being handed to. */
  #successor(): ReplicaId | undefined {
    const wished = this.#transfer?.to;
    const { voters } = this.#core.membership;
    const byWish = [...voters].sort((a, b) => Number(b === wished) - Number(a === wished));
    return byWish.sort((a, b) => this.#followers.matchIndexOf(b) - this.#followers.matchIndexOf(a))[0];
  }

  #handOver(): void {
    const transfer = this.#transfer;
    if (transfer === undefined || transfer.sent) return;
    if (this.#followers.matchIndexOf(transfer.to) !== this.#core.log.lastIndex) return;
    transfer.sent = true;
    this.#sendTakeOver(transfer.to);
  }

  /** Tells what is chosen, then that it leads no more. */
  #resign(successor: ReplicaId | undefined): void {
    const core = this.#core;
    const { id: from, ballot } = core;
    this.#followers.sendHeartbeats();
    for (const { id: to } of this.#followers.all)
      if (to === successor) this.#sendTakeOver(to);
      else core.send({ kind: "Resign", from, to, ballot });
    core.becomeFollower(undefined, undefined);
  }

  #sendTakeOver(to: ReplicaId): void {
    const { id: from, ballot } = this.#core;
    this.#core.send({ kind: "TakeOver", from, to, ballot });
  }
}

function proposed({ index, ballot }: Entry): Proposed {
  return { kind: "proposed", index, ballot };
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
