/** A leader's own state and work: replication, commit, membership, read barriers, handing over (Raft §5.3, §5.4, §6). */

import type { LogIndex } from "@holdfast/base";
import { assert, emptyBytes, logIndex } from "@holdfast/base";
import type { Fetched } from "../contract/consensus.ts";
import type { Entry, EntryKind } from "../contract/entry.ts";
import { entryBytes } from "../contract/entry.ts";
import type { MembershipTarget } from "../contract/membership.ts";
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
import type { AppendEntriesReply, HeartbeatReply, RaftMessage } from "./messages.ts";
import type { RaftCore } from "./raft-core.ts";

export class Leading implements Leadership {
  readonly #core: RaftCore;
  readonly #followers: Followers<RaftMessage>;
  /** Raft §5.4.2, §8: the first entry of this term; only from there on is anything committed by counting. */
  readonly #firstOwnIndex: LogIndex;
  #uncommittedBytes = 0;
  #transfer: { readonly to: ReplicaId; sent: boolean } | undefined;

  /** To be constructed for a candidate that has won. */
  constructor(core: RaftCore) {
    this.#core = core;
    this.#followers = new Followers(core, voiceOf(core));
    core.becomeLeader(() => this.#followers.abandon());
    this.#uncommittedBytes = core.log.bytesBehind(core.commitIndex);
    this.#firstOwnIndex = this.#append("empty", emptyBytes).index;
    this.#followMembership();
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

  propose(command: Uint8Array): Proposed | Refusal {
    if (this.#transfer !== undefined) return { kind: "transferring", to: this.#transfer.to };
    const { uncommittedBytesMax } = this.#core.limits;
    // A single large one passes when nothing else waits.
    if (this.#uncommittedBytes > 0 && this.#uncommittedBytes + command.length > uncommittedBytesMax)
      return { kind: "overloaded" };
    return proposed(this.#append("command", command));
  }

  proposeChange(target: MembershipTarget): Proposed | Refusal {
    const problem = problemOfTarget(target);
    if (problem !== undefined) return { kind: "invalid-change", problem };
    if (this.#transfer !== undefined) return { kind: "transferring", to: this.#transfer.to };
    const { membership } = this.#core;
    // One at a time, known to be committed: two in flight could have disjoint quorums (§6).
    if (isJoint(membership) || !this.#membershipIsCommitted()) return { kind: "change-in-progress" };
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
    this.#followers.read({ kind: "local", context }, this.#readableIndex());
  }

  onReadIndexRequest({ from, request }: ReadIndexRequest): void {
    this.#followers.read({ kind: "remote", from, request }, this.#readableIndex());
  }

  tick(): void {
    const core = this.#core;
    core.electionElapsed++;
    if (core.electionElapsed >= core.limits.electionTicks) {
      core.electionElapsed = 0;
      // Not done in time: its followers have had enough of waiting.
      this.#transfer = undefined;
      if (!this.#followers.checkQuorum()) return core.becomeFollower(core.ballot, undefined);
    }
    this.#followers.tick();
  }

  onAppendEntriesReply(reply: AppendEntriesReply): void {
    const progress = this.#followers.get(reply.from);
    if (progress === undefined) return;
    progress.recentlyActive = true;
    if (reply.outcome === "accepted") {
      if (!progress.onAccepted(reply.matchIndex)) return;
      this.#advanceCommit(reply.matchIndex);
      this.#handOver();
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
    this.#followers.onHeartbeatReply(from, round, this.#core.log.lastIndex);
  }

  /** This replica's own part of the quorum has grown. */
  onWritten(): void {
    this.#advanceCommit(this.#core.writes.durableIndex);
  }

  /** Raft §6: a membership counts from the moment it is appended; nothing waits for it to be applied. */
  onApplied(): void {
    // Nothing.
  }

  provide(fetched: Fetched): void {
    this.#followers.provide(fetched, this.#core.log.lastIndex);
  }

  /** Entries gathered since the last look share one message. */
  prepare(): void {
    this.#followers.prepare(this.#core.log.lastIndex);
  }

  /** For invariants: `prepare` would send nothing to a follower. */
  get isPrepared(): boolean {
    return this.#followers.isPrepared(this.#core.log.lastIndex);
  }

  checkInvariants(): void {
    const { log, commitIndex } = this.#core;
    this.#followers.checkInvariants(log.lastIndex);
    assert(log.bytesBehind(commitIndex) === this.#uncommittedBytes, "uncommitted bytes are counted");
  }

  /** §6.4: what is committed is known once an entry of this term is. */
  #readableIndex(): LogIndex | undefined {
    return this.#hasCommitted() ? this.#core.commitIndex : undefined;
  }

  #hasCommitted(): boolean {
    return this.#core.commitIndex >= this.#firstOwnIndex;
  }

  #membershipIsCommitted(): boolean {
    return this.#core.memberships.latestIndex <= this.#core.commitIndex;
  }

  #append(kind: EntryKind, payload: Uint8Array): Entry {
    const entry = this.#core.append(kind, payload);
    this.#uncommittedBytes += entryBytes(entry);
    if (kind === "membership") this.#followMembership();
    return entry;
  }

  #followMembership(): void {
    // A new one is probed with the entry that was just appended.
    this.#followers.follow(this.#core.log.lastIndex);
  }

  /** `news`: how far a replica has got that was not there before. */
  #advanceCommit(news: LogIndex): void {
    const core = this.#core;
    if (news <= core.commitIndex) return;
    const reached = this.#followers.quorumMatchIndex(core.writes.durableIndex);
    // §5.4.2: entries of earlier terms are committed with one of this term, never by counting.
    if (reached <= core.commitIndex || reached < this.#firstOwnIndex) return;
    const isFirst = !this.#hasCommitted();
    for (let i = core.commitIndex + 1; i <= reached; i++) {
      const entry = core.log.entry(logIndex(i));
      if (entry !== undefined) this.#uncommittedBytes -= entryBytes(entry);
    }
    core.commitTo(reached);
    if (isFirst) this.#followers.onFirstCommit(reached);
    if (this.#membershipIsCommitted()) this.#onMembershipCommitted();
  }

  /** §6: the new membership alone once the joint one is committed; a leader that is not in it steps down. */
  #onMembershipCommitted(): void {
    const core = this.#core;
    if (isJoint(core.membership)) {
      this.#append("membership", encodeMembership(leaveJoint(core.membership)));
      return;
    }
    if (isVoter(core.membership, core.id)) return;
    this.#sendTimeoutNow(this.#successor());
    this.#transfer = undefined;
    core.becomeFollower(core.ballot, undefined);
  }

  /** The voter with the longest log; of several the one that leadership is being handed to. */
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
    this.#sendTimeoutNow(transfer.to);
  }

  #sendTimeoutNow(to: ReplicaId | undefined): void {
    const { id: from, ballot } = this.#core;
    if (to !== undefined) this.#core.send({ kind: "TimeoutNow", from, to, ballot });
  }
}

function proposed({ index, ballot }: Entry): Proposed {
  return { kind: "proposed", index, ballot };
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
