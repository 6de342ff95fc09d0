/**
 * Raft (Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014, and Ongaro's thesis of the
 * same year) behind the contract: this file says which message goes where and what a ballot in it means; the work is
 * done by election, following and leading.
 */

import type { Ballot } from "@holdfast/base";
import { assertNever } from "@holdfast/base";
import type { Consensus, ConsensusOptions } from "../contract/consensus.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import { Replica } from "../replica/replica.ts";
import type { InstallSnapshot } from "../replica/snapshot-message.ts";
import { Election } from "./election.ts";
import { Following } from "./following.ts";
import { Leading } from "./leading.ts";
import { problemOf } from "./message-problem.ts";
import type { AdvanceCommit, AppendEntries, Heartbeat, RaftMessage } from "./messages.ts";
import { RaftCore } from "./raft-core.ts";

type LeadersMessage = AppendEntries | Heartbeat | AdvanceCommit | InstallSnapshot;

export function createRaft(options: ConsensusOptions): Consensus<RaftMessage> {
  return new Raft(new RaftCore(options));
}

class Raft extends Replica<RaftMessage> {
  readonly #core: RaftCore;
  readonly #election: Election;
  readonly #following: Following;
  /** Of the last time that this replica was elected. */
  #latestLeading: Leading | undefined;

  constructor(core: RaftCore) {
    super(core);
    this.#core = core;
    this.#election = new Election(core, () => {
      this.#latestLeading = new Leading(core);
    });
    this.#following = new Following(core);
  }

  override campaign(): void {
    this.wake();
    this.#election.campaign();
  }

  protected override leading(): Leading | undefined {
    return this.#core.role === "leader" ? this.#latestLeading : undefined;
  }

  protected override loseLeader(): void {
    this.#core.becomeFollower(this.#core.ballot, undefined);
  }

  protected override onProgress(): void {
    this.#election.onWritten();
  }

  protected override problemOf(message: RaftMessage): string | undefined {
    return problemOf(this.#core, this.leading(), message);
  }

  /** What the message's ballot means for this replica (§5.1); false when the message ends here. */
  protected override admits(message: RaftMessage): boolean {
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

  protected override dispatch(message: RaftMessage): void {
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
        return this.leading()?.onAppendEntriesReply(message);
      case "HeartbeatReply":
        return this.leading()?.onHeartbeatReply(message);
      case "ReadIndexRequest":
        return this.leading()?.onReadIndexRequest(message);
      default:
        return assertNever(message);
    }
  }
}

function isLeaders(message: RaftMessage): message is LeadersMessage {
  const { kind } = message;
  return (
    kind === "AppendEntries" || kind === "Heartbeat" || kind === "AdvanceCommit" || kind === "InstallSnapshot"
  );
}
