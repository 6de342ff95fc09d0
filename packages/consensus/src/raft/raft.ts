/**
 * Raft (Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014, and Ongaro's thesis of the
 * same year) behind the contract: this file says which message goes where and what a ballot in it means; the work is
 * done by election, following and leading.
 */

import type { Ballot } from "@holdfast/base";
import { assert, assertNever } from "@holdfast/base";
import type {
  Consensus,
  ConsensusOptions,
  ConsensusStatus,
  Fetched,
  FollowerStatus,
  HostProgress,
  InvalidMessage,
  Ready,
} from "../contract/consensus.ts";
import type { MembershipTarget } from "../contract/membership.ts";
import type { Proposed, Refusal } from "../contract/refusal.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import { Election } from "./election.ts";
import { Following } from "./following.ts";
import { Leading } from "./leading.ts";
import { problemOf } from "./message-problem.ts";
import type { AdvanceCommit, AppendEntries, Heartbeat, InstallSnapshot, RaftMessage } from "./messages.ts";
import { RaftCore } from "./raft-core.ts";

type LeadersMessage = AppendEntries | Heartbeat | AdvanceCommit | InstallSnapshot;

export function createRaft(options: ConsensusOptions): Consensus<RaftMessage> {
  return new Raft(options);
}

class Raft implements Consensus<RaftMessage> {
  readonly id: ReplicaId;
  readonly #core: RaftCore;
  readonly #election: Election;
  readonly #following: Following;
  /** Of the last time that this replica was elected. */
  #latestLeading: Leading | undefined;
  /** Nothing has happened since `ready` looked: it would find nothing. */
  #isQuiet = false;

  constructor(options: ConsensusOptions) {
    this.id = options.id;
    this.#core = new RaftCore(options);
    this.#election = new Election(this.#core, () => {
      this.#latestLeading = new Leading(this.#core);
    });
    this.#following = new Following(this.#core);
  }

  tick(): void {
    this.#isQuiet = false;
    const core = this.#core;
    core.forwardedReads.tick();
    const leading = this.#leading();
    if (leading !== undefined) return leading.tick();
    core.electionElapsed++;
    if (!core.electionIsDue) return;
    if (core.isPromotable) return this.#election.campaign();
    // Whoever may not stand waits for a leader all the same, and protects the silent one no longer (§4.2.3).
    core.becomeFollower(core.ballot, undefined);
  }

  step(message: RaftMessage): InvalidMessage | undefined {
    this.#isQuiet = false;
    const problem = problemOf(this.#core, this.#leading(), message);
    if (problem !== undefined) return { kind: "invalid-message", problem };
    if (this.#admits(message)) this.#dispatch(message);
    return undefined;
  }

  propose(command: Uint8Array): Proposed | Refusal {
    this.#isQuiet = false;
    return this.#leading()?.propose(command) ?? this.#notLeader();
  }

  proposeChange(target: MembershipTarget): Proposed | Refusal {
    this.#isQuiet = false;
    return this.#leading()?.proposeChange(target) ?? this.#notLeader();
  }

  readIndex(context: number): void {
    this.#isQuiet = false;
    const leading = this.#leading();
    if (leading === undefined) this.#core.forwardedReads.add(context);
    else leading.readLocally(context);
  }

  transferLeader(to: ReplicaId): Refusal | undefined {
    this.#isQuiet = false;
    const leading = this.#leading();
    return leading === undefined ? this.#notLeader() : leading.transferLeader(to);
  }

  campaign(): void {
    this.#isQuiet = false;
    this.#election.campaign();
  }

  ready(): Ready<RaftMessage> | undefined {
    if (this.#isQuiet) return undefined;
    this.#isQuiet = true;
    this.#leading()?.prepare();
    this.#core.forwardedReads.flush();
    return this.#core.takeReady();
  }

  advance({ written, applied }: HostProgress): void {
    const core = this.#core;
    const { commitIndex, role } = core;
    if (written !== undefined) {
      core.writes.written(written);
      const leading = this.#leading();
      if (leading === undefined) this.#election.onWritten();
      else leading.onWritten();
    }
    if (applied !== undefined) core.applied(applied);
    core.settleLost();
    // Most of what the host has done gives it nothing more to do.
    if (core.hasUnhanded || core.commitIndex !== commitIndex || core.role !== role) this.#isQuiet = false;
  }

  provide(fetched: Fetched): void {
    this.#isQuiet = false;
    this.#leading()?.provide(fetched);
  }

  reportSnapshot(to: ReplicaId, outcome: "delivered" | "failed"): void {
    this.#isQuiet = false;
    const { index: baseIndex } = this.#core.log.base;
    this.#leading()?.follower(to)?.onSnapshotEnded(outcome, baseIndex);
  }

  reportUnreachable(id: ReplicaId): void {
    this.#isQuiet = false;
    this.#leading()?.follower(id)?.onUnreachable();
  }

  status(): ConsensusStatus {
    return this.#core.status();
  }

  followers(): readonly FollowerStatus[] {
    return [...(this.#leading()?.followers ?? [])].map((progress) => progress.status());
  }

  checkInvariants(): void {
    this.#core.checkInvariants();
    this.#leading()?.checkInvariants();
    if (!this.#isQuiet) return;
    assert(this.#core.hasNothingToDo, "a quiet replica has nothing to do");
    assert(this.#leading()?.isPrepared !== false, "a quiet leader has nothing to send");
  }

  /** What the message's ballot means for this replica (§5.1); false when the message ends here. */
  #admits(message: RaftMessage): boolean {
    const core = this.#core;
    if (message.kind === "RequestPreVote") return true;
    if (message.kind === "RequestPreVoteReply" && message.granted) return true;
    if (message.ballot < core.ballot) {
      this.#answerLate(message);
      return false;
    }
    if (isLeaders(message)) {
      this.#follow(message.from, message.ballot);
      return true;
    }
    if (message.ballot === core.ballot) return true;
    if (message.kind === "RequestVote" && !this.#election.mayDisturb(message)) return false;
    core.becomeFollower(message.ballot, undefined);
    return true;
  }

  #follow(leader: ReplicaId, newBallot: Ballot): void {
    const core = this.#core;
    if (core.leader === leader && core.ballot === newBallot) core.electionElapsed = 0;
    else core.becomeFollower(newBallot, leader);
  }

  /** Whoever leads or stands in an earlier term learns of this one, or would go on for ever (etcd #8501). */
  #answerLate({ kind, from: to }: RaftMessage): void {
    const { id: from, ballot: current } = this.#core;
    if (kind === "RequestVote")
      this.#core.send({ kind: "RequestVoteReply", from, to, ballot: current, granted: false });
    if (kind === "Heartbeat" || kind === "AppendEntries")
      this.#core.send({ kind: "HeartbeatReply", from, to, ballot: current, round: 0 });
  }

  #dispatch(message: RaftMessage): void {
    switch (message.kind) {
      case "RequestPreVote":
        return this.#election.onRequestPreVote(message);
      case "RequestPreVoteReply":
        return this.#election.onRequestPreVoteReply(message);
      case "RequestVote":
        return this.#election.onRequestVote(message);
      case "RequestVoteReply":
        return this.#election.onRequestVoteReply(message);
      case "TimeoutNow":
        return this.#election.onTimeoutNow(message);
      case "AppendEntries":
        return this.#following.onAppendEntries(message);
      case "Heartbeat":
        return this.#following.onHeartbeat(message);
      case "AdvanceCommit":
        return this.#following.onAdvanceCommit(message);
      case "InstallSnapshot":
        return this.#following.onInstallSnapshot(message);
      case "ReadIndexReply":
        this.#core.commitTo(message.commitIndex);
        return this.#core.forwardedReads.answer(message.request, message.index);
      case "AppendEntriesReply":
        return this.#leading()?.onAppendEntriesReply(message);
      case "HeartbeatReply":
        return this.#leading()?.onHeartbeatReply(message);
      case "ReadIndexRequest":
        return this.#leading()?.onReadIndexRequest(message);
      default:
        return assertNever(message);
    }
  }

  #leading(): Leading | undefined {
    return this.#core.role === "leader" ? this.#latestLeading : undefined;
  }

  #notLeader(): Refusal {
    return { kind: "not-leader", leader: this.#core.leader };
  }
}

function isLeaders(message: RaftMessage): message is LeadersMessage {
  const { kind } = message;
  return (
    kind === "AppendEntries" || kind === "Heartbeat" || kind === "AdvanceCommit" || kind === "InstallSnapshot"
  );
}
