/** A leader of Raft: what it commits, and what its followers' answers mean (Raft §5.3, §5.4, §6). */

import type { LogIndex } from "@holdfast/base";
import { emptyBytes } from "@holdfast/base";
import type { Entry, EntryKind } from "../contract/entry.ts";
import { encodeMembership, isJoint, isVoter, leaveJoint } from "../contract/membership.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { LeaderVoice } from "../replica/followers.ts";
import { Leader } from "../replica/leader.ts";
import type { AppendEntriesReply, HeartbeatReply, RaftMessage } from "./messages.ts";
import type { RaftCore } from "./raft-core.ts";

export class Leading extends Leader<RaftMessage> {
  readonly #core: RaftCore;
  /** Raft §5.4.2, §8: the first entry of this term; only from there on is anything committed by counting. */
  readonly #firstOwnIndex: LogIndex;

  /** To be constructed for a candidate that has won. */
  constructor(core: RaftCore) {
    super(core, voiceOf(core));
    this.#core = core;
    core.becomeLeader(() => this.group.abandon());
    this.countUncommitted();
    this.#firstOwnIndex = this.append("empty", emptyBytes).index;
    this.#followMembership();
  }

  override get sendableIndex(): LogIndex {
    return this.#core.log.lastIndex;
  }

  onAppendEntriesReply(reply: AppendEntriesReply): void {
    const progress = this.follower(reply.from);
    if (progress === undefined) return;
    progress.recentlyActive = true;
    if (reply.outcome === "accepted") {
      if (!progress.onAccepted(reply.matchIndex)) return;
      this.#advanceCommit(reply.matchIndex);
      this.handOver();
      return;
    }
    const { log } = this.#core;
    // Entries above the hint's ballot cannot agree with what the follower has there (§5.3).
    const agreed = log.lastAtOrBelow(reply.hintIndex, reply.hintBallot);
    const agreedIndex = reply.hintIndex < log.base.index ? reply.hintIndex : agreed.index;
    if (reply.lost && reply.rejectedIndex <= progress.matchIndex) progress.onLost(agreedIndex);
    else progress.onRejected(reply.rejectedIndex, agreedIndex);
  }

  onHeartbeatReply({ from, round }: HeartbeatReply): void {
    this.group.onHeartbeatReply(from, round, this.sendableIndex);
  }

  /** This replica's own part of the quorum has grown. */
  override onWritten(): void {
    this.#advanceCommit(this.#core.writes.durableIndex);
  }

  /** §6: a membership counts from the moment it is appended; nothing waits for it to be applied. */
  override onApplied(): void {
    // Nothing.
  }

  /** §6.4: what is committed is known once an entry of this term is. */
  protected override readableIndex(): LogIndex | undefined {
    return this.#hasCommitted() ? this.#core.commitIndex : undefined;
  }

  protected override isChanging(): boolean {
    return !this.#membershipIsCommitted();
  }

  protected override isStalled(): boolean {
    return false;
  }

  protected override stepDown(): void {
    this.#core.becomeFollower(this.#core.ballot, undefined);
  }

  protected override sayHandOver(to: ReplicaId): void {
    const { id: from, ballot } = this.#core;
    this.#core.send({ kind: "TimeoutNow", from, to, ballot });
  }

  protected override append(kind: EntryKind, payload: Uint8Array): Entry {
    const entry = super.append(kind, payload);
    if (kind === "membership") this.#followMembership();
    return entry;
  }

  #hasCommitted(): boolean {
    return this.#core.commitIndex >= this.#firstOwnIndex;
  }

  #membershipIsCommitted(): boolean {
    return this.#core.memberships.latestIndex <= this.#core.commitIndex;
  }

  #followMembership(): void {
    // A new one is probed with the entry that was just appended.
    this.group.follow(this.#core.log.lastIndex);
  }

  /** `news`: how far a replica has got that was not there before. */
  #advanceCommit(news: LogIndex): void {
    const core = this.#core;
    if (news <= core.commitIndex) return;
    const reached = this.group.quorumMatchIndex(core.writes.durableIndex);
    // §5.4.2: entries of earlier terms are committed with one of this term, never by counting.
    if (reached <= core.commitIndex || reached < this.#firstOwnIndex) return;
    const isFirst = !this.#hasCommitted();
    this.commit(reached);
    if (isFirst) this.group.onFirstCommit(reached);
    if (this.#membershipIsCommitted()) this.#onMembershipCommitted();
  }

  /** §6: the new membership alone once the joint one is committed; a leader that is not in it steps down. */
  #onMembershipCommitted(): void {
    const core = this.#core;
    if (isJoint(core.membership)) {
      this.append("membership", encodeMembership(leaveJoint(core.membership)));
      return;
    }
    if (isVoter(core.membership, core.id)) return;
    const successor = this.successor();
    if (successor !== undefined) this.sayHandOver(successor);
    this.stepDown();
  }
}

function voiceOf(core: RaftCore): LeaderVoice {
  const { id: from } = core;
  return {
    sendEntries: (to, { index: previousIndex, ballot: previousBallot }, entries) => {
      const { ballot, commitIndex } = core;
      core.send({
        kind: "AppendEntries",
        from,
        to,
        ballot,
        previousIndex,
        previousBallot,
        entries,
        commitIndex,
      });
    },
    sendCommit: (to, commitIndex) => {
      core.send({ kind: "AdvanceCommit", from, to, ballot: core.ballot, commitIndex });
    },
    sendHeartbeat: (to, commitIndex, round) => {
      core.send({ kind: "Heartbeat", from, to, ballot: core.ballot, commitIndex, round });
    },
    sendReadIndexReply: (to, request, index, commitIndex) => {
      core.send({ kind: "ReadIndexReply", from, to, ballot: core.ballot, request, index, commitIndex });
    },
  };
}
