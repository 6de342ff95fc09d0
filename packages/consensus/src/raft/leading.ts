/** A leader's own state and work: replication, commit, membership, read barriers, handing over (Raft §5.3, §5.4, §6). */

import type { LogIndex } from "@holdfast/base";
import { assert, emptyBytes, logIndex } from "@holdfast/base";
import type { Fetched } from "../contract/consensus.ts";
import type { Entry, EntryKind } from "../contract/entry.ts";
import { entryBytes } from "../contract/entry.ts";
import type { Membership, MembershipTarget } from "../contract/membership.ts";
import {
  emptyMembership,
  encodeMembership,
  enterChange,
  isJoint,
  isVoter,
  leaveJoint,
  membersOf,
  problemOfTarget,
} from "../contract/membership.ts";
import { quorumHolds, quorumValue } from "../contract/quorum.ts";
import type { Proposed, Refusal } from "../contract/refusal.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import { FollowerProgress } from "./follower-progress.ts";
import type { AppendEntriesReply, HeartbeatReply, ReadIndexRequest } from "./messages.ts";
import type { RaftCore } from "./raft-core.ts";
import type { Reader } from "./read-barriers.ts";
import { ReadBarriers } from "./read-barriers.ts";
import { replicate } from "./replicate.ts";

export class Leading {
  readonly #core: RaftCore;
  readonly #barriers = new ReadBarriers();
  /** Raft §5.4.2, §8: the first entry of this term; only from there on is anything committed by counting. */
  readonly #firstOwnIndex: LogIndex;
  #followers: ReadonlyMap<ReplicaId, FollowerProgress> = new Map();
  /** The membership that `#followers` are of. */
  #followed: Membership = emptyMembership;
  #uncommittedBytes = 0;
  #heartbeatElapsed = 0;
  #transfer: { readonly to: ReplicaId; sent: boolean } | undefined;

  /** To be constructed for a candidate that has won. */
  constructor(core: RaftCore) {
    this.#core = core;
    core.becomeLeader(() => this.#abandon());
    const { log, commitIndex } = core;
    for (const entry of log.slice(logIndex(commitIndex + 1), log.lastIndex, Number.POSITIVE_INFINITY))
      this.#uncommittedBytes += entryBytes(entry);
    this.#firstOwnIndex = this.#append("empty", emptyBytes).index;
    this.#followMembership();
  }

  get followers(): Iterable<FollowerProgress> {
    return this.#followers.values();
  }

  follower(id: ReplicaId): FollowerProgress | undefined {
    return this.#followers.get(id);
  }

  get round(): number {
    return this.#barriers.round;
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
    if (isJoint(membership) || !this.#membershipIsCommitted) return { kind: "change-in-progress" };
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

  read(reader: Reader): void {
    this.#barriers.add(reader, this.#hasCommitted ? this.#core.commitIndex : undefined);
  }

  onReadIndexRequest({ from, request }: ReadIndexRequest): void {
    this.read({ kind: "remote", from, request });
  }

  tick(): void {
    const core = this.#core;
    const { electionTicks, heartbeatTicks } = core.limits;
    core.electionElapsed++;
    if (core.electionElapsed >= electionTicks) {
      core.electionElapsed = 0;
      // Not done in time: its followers have had enough of waiting.
      this.#transfer = undefined;
      if (!this.#checkQuorum()) return;
    }
    this.#heartbeatElapsed++;
    if (this.#heartbeatElapsed >= heartbeatTicks) this.#sendHeartbeats();
  }

  onAppendEntriesReply(reply: AppendEntriesReply): void {
    const progress = this.#followers.get(reply.from);
    if (progress === undefined) return;
    progress.recentlyActive = true;
    if (reply.outcome === "accepted") {
      if (!progress.onAccepted(reply.matchIndex)) return;
      this.#advanceCommit();
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
    const progress = this.#followers.get(from);
    if (progress === undefined) return;
    progress.recentlyActive = true;
    progress.onHeartbeatReply(this.#core.log.lastIndex);
    if (round > progress.round) progress.round = round;
    this.#confirmReads();
  }

  /** This replica's own part of the quorum has grown. */
  onWritten(): void {
    this.#advanceCommit();
  }

  provide(fetched: Fetched): void {
    const progress = this.#followers.get(fetched.to);
    if (progress?.isFetching !== true) return;
    progress.isFetching = false;
    if (fetched.kind === "compacted") {
      progress.becomeSnapshot();
      this.#core.snapshots.push(progress.id);
      return;
    }
    replicate(this.#core, progress, fetched);
  }

  /** Everything that waits for the moment when the host looks: entries gathered since share one message. */
  prepare(): void {
    if (this.#barriers.begin()) this.#sendHeartbeats();
    this.#confirmReads();
    for (const progress of this.#followers.values()) replicate(this.#core, progress);
  }

  checkInvariants(): void {
    const { log, membership } = this.#core;
    for (const progress of this.#followers.values()) progress.checkInvariants(log.lastIndex);
    assert(this.#followed === membership, "a leader follows its membership");
    let bytes = 0;
    const from = logIndex(this.#core.commitIndex + 1);
    for (const entry of log.slice(from, log.lastIndex, Number.POSITIVE_INFINITY)) bytes += entryBytes(entry);
    assert(bytes === this.#uncommittedBytes, "uncommitted bytes are counted");
  }

  /** Leadership ends: nobody confirms the barriers that wait. */
  #abandon(): void {
    for (const reader of this.#barriers.abandon())
      if (reader.kind === "local") this.#core.reads.push({ context: reader.context, index: undefined });
  }

  get #hasCommitted(): boolean {
    return this.#core.commitIndex >= this.#firstOwnIndex;
  }

  get #membershipIsCommitted(): boolean {
    return this.#core.memberships.latestIndex <= this.#core.commitIndex;
  }

  #append(kind: EntryKind, payload: Uint8Array): Entry {
    const entry = this.#core.append(kind, payload);
    this.#uncommittedBytes += entryBytes(entry);
    if (kind === "membership") this.#followMembership();
    return entry;
  }

  #followMembership(): void {
    const { id, log, limits, membership } = this.#core;
    const followers = new Map<ReplicaId, FollowerProgress>();
    for (const member of membersOf(membership)) {
      if (member === id) continue;
      // A new one is probed with the entry that was just appended.
      followers.set(
        member,
        this.#followers.get(member) ?? new FollowerProgress(member, log.lastIndex, limits),
      );
    }
    this.#followers = followers;
    this.#followed = membership;
  }

  readonly #matchIndexOf = (id: ReplicaId): number =>
    id === this.#core.id ? this.#core.writes.durableIndex : (this.#followers.get(id)?.matchIndex ?? 0);

  #advanceCommit(): void {
    const core = this.#core;
    const reached = logIndex(quorumValue(core.membership, this.#matchIndexOf));
    // §5.4.2: entries of earlier terms are committed with one of this term, never by counting.
    if (reached <= core.commitIndex || reached < this.#firstOwnIndex) return;
    const isFirst = !this.#hasCommitted;
    for (let i = core.commitIndex + 1; i <= reached; i++) {
      const entry = core.log.entry(logIndex(i));
      if (entry !== undefined) this.#uncommittedBytes -= entryBytes(entry);
    }
    core.commitTo(reached);
    if (isFirst) this.#barriers.onFirstCommit(reached);
    if (this.#membershipIsCommitted) this.#onMembershipCommitted();
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
    return byWish.sort((a, b) => this.#matchIndexOf(b) - this.#matchIndexOf(a))[0];
  }

  #handOver(): void {
    const transfer = this.#transfer;
    if (transfer === undefined || transfer.sent) return;
    if (this.#matchIndexOf(transfer.to) !== this.#core.log.lastIndex) return;
    transfer.sent = true;
    this.#sendTimeoutNow(transfer.to);
  }

  #sendTimeoutNow(to: ReplicaId | undefined): void {
    const { id: from, ballot } = this.#core;
    if (to !== undefined) this.#core.send({ kind: "TimeoutNow", from, to, ballot });
  }

  #sendHeartbeats(): void {
    this.#heartbeatElapsed = 0;
    const core = this.#core;
    const { id: from, ballot, commitIndex } = core;
    for (const progress of this.#followers.values()) {
      const known = logIndex(Math.min(commitIndex, progress.matchIndex));
      progress.commitSent = known;
      const { round } = this.#barriers;
      core.send({ kind: "Heartbeat", from, to: progress.id, ballot, commitIndex: known, round });
    }
  }

  /** Ongaro's thesis §6.2: a leader that a quorum does not answer is none. False when it has stepped down. */
  #checkQuorum(): boolean {
    const core = this.#core;
    const isActive = (id: ReplicaId): boolean =>
      id === core.id || this.#followers.get(id)?.recentlyActive === true;
    const holds = quorumHolds(core.membership, isActive);
    for (const progress of this.#followers.values()) progress.recentlyActive = false;
    if (!holds) core.becomeFollower(core.ballot, undefined);
    return holds;
  }

  readonly #roundOf = (id: ReplicaId): number =>
    id === this.#core.id ? this.#barriers.round : (this.#followers.get(id)?.round ?? 0);

  #confirmReads(): void {
    if (!this.#barriers.isWaiting) return;
    const core = this.#core;
    for (const { reader, index } of this.#barriers.confirm(quorumValue(core.membership, this.#roundOf))) {
      if (reader.kind === "local") {
        core.reads.push({ context: reader.context, index });
        continue;
      }
      const { from: to, request } = reader;
      const matchIndex = this.#followers.get(to)?.matchIndex ?? 0;
      const commitIndex = logIndex(Math.min(core.commitIndex, matchIndex));
      const { id: from, ballot } = core;
      core.send({ kind: "ReadIndexReply", from, to, ballot, request, index, commitIndex });
    }
  }
}

function proposed({ index, ballot }: Entry): Proposed {
  return { kind: "proposed", index, ballot };
}
