/**
 * Multi-Paxos (Lamport, "Paxos Made Simple", 2001, §3; Lamport, Malkhi and Zhou, "Reconfiguring a State Machine", 2010;
 * van Renesse and Altinbuken, "Paxos Made Moderately Complex", 2015) behind the contract: this file says which message goes
 * where and what a ballot in it means; the work is done by election, preparation, accepting and leading.
 */

import type { Ballot } from "@holdfast/base";
import { assertNever } from "@holdfast/base";
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
import { Accepting } from "./accepting.ts";
import { Election } from "./election.ts";
import { Leading } from "./leading.ts";
import { problemOf } from "./message-problem.ts";
import type { MultiPaxosMessage, Prepare } from "./messages.ts";
import { PaxosCore } from "./paxos-core.ts";
import { Preparation } from "./preparation.ts";

export function createMultiPaxos(options: ConsensusOptions): Consensus<MultiPaxosMessage> {
  return new MultiPaxos(options);
}

class MultiPaxos implements Consensus<MultiPaxosMessage> {
  readonly id: ReplicaId;
  readonly #core: PaxosCore;
  readonly #election: Election;
  readonly #accepting: Accepting;
  /** Of the ballot that this replica stands or leads in. */
  #preparation: Preparation | undefined;
  #leading: Leading | undefined;

  constructor(options: ConsensusOptions) {
    this.id = options.id;
    this.#core = new PaxosCore(options);
    this.#election = new Election(this.#core, (above, transfer) => this.#prepare(above, transfer));
    this.#accepting = new Accepting(this.#core);
  }

  tick(): void {
    const core = this.#core;
    core.forwardedReads.tick();
    if (this.#leading !== undefined) return this.#leading.tick();
    this.#preparation?.tick();
    core.electionElapsed++;
    if (!core.electionIsDue) return;
    if (core.isPromotable) return this.#election.campaign();
    // Whoever may not stand waits for a leader all the same, and protects the silent one no longer.
    core.becomeFollower(undefined, undefined);
  }

  step(message: MultiPaxosMessage): InvalidMessage | undefined {
    const problem = problemOf(this.#core, this.#leading, message);
    if (problem !== undefined) return { kind: "invalid-message", problem };
    if (this.#admits(message)) this.#dispatch(message);
    return undefined;
  }

  propose(command: Uint8Array): Proposed | Refusal {
    return this.#leading?.propose(command) ?? this.#notLeader();
  }

  proposeChange(target: MembershipTarget): Proposed | Refusal {
    return this.#leading?.proposeChange(target) ?? this.#notLeader();
  }

  readIndex(context: number): void {
    if (this.#leading === undefined) this.#core.forwardedReads.add(context);
    else this.#leading.readLocally(context);
  }

  transferLeader(to: ReplicaId): Refusal | undefined {
    return this.#leading === undefined ? this.#notLeader() : this.#leading.transferLeader(to);
  }

  campaign(): void {
    this.#election.campaign();
  }

  ready(): Ready<MultiPaxosMessage> | undefined {
    this.#leading?.prepare();
    this.#core.forwardedReads.flush();
    return this.#core.takeReady();
  }

  advance({ written, applied }: HostProgress): void {
    const core = this.#core;
    if (written !== undefined) {
      core.writes.written(written);
      if (this.#leading === undefined) this.#lead();
      else this.#leading.onWritten();
    }
    if (applied !== undefined) {
      core.applied(applied);
      if (this.#leading === undefined) this.#lead();
      else this.#leading.onApplied();
    }
    core.settleLost();
  }

  provide(fetched: Fetched): void {
    if (!this.#accepting.provide(fetched)) this.#leading?.provide(fetched);
  }

  reportSnapshot(to: ReplicaId, outcome: "delivered" | "failed"): void {
    this.#accepting.onSnapshotEnded(to);
    this.#leading?.follower(to)?.onSnapshotEnded(outcome, this.#core.log.base.index);
  }

  reportUnreachable(id: ReplicaId): void {
    this.#leading?.follower(id)?.onUnreachable();
  }

  status(): ConsensusStatus {
    return this.#core.status();
  }

  followers(): readonly FollowerStatus[] {
    return [...(this.#leading?.followers ?? [])].map((progress) => progress.status());
  }

  checkInvariants(): void {
    this.#core.checkInvariants();
    this.#leading?.checkInvariants();
  }

  /** Phase 1 begins. */
  #prepare(above: Ballot, transfer: boolean): void {
    const core = this.#core;
    core.becomeCandidate(above, () => this.#abandon());
    this.#preparation = new Preparation(core, transfer);
    this.#preparation.ask();
  }

  /** A candidate leads once a quorum has promised. */
  #lead(): void {
    const preparation = this.#preparation;
    if (preparation?.hasQuorum !== true) return;
    const leading = new Leading(this.#core, preparation);
    // It may have found that it is no voter any more.
    if (this.#core.role === "leader") this.#leading = leading;
  }

  #abandon(): void {
    this.#leading?.abandon();
    this.#leading = undefined;
    this.#preparation = undefined;
  }

  /** What the message's ballot means for this replica; false when the message ends here. */
  #admits(message: MultiPaxosMessage): boolean {
    const core = this.#core;
    switch (message.kind) {
      case "Canvass":
      case "CanvassReply":
        return true;
      case "Learn":
      case "InstallSnapshot":
        // True in any ballot; a leader that has settled knows as much.
        return this.#leading?.isSettled !== true;
      case "Prepare":
        return this.#admitsPrepare(message);
      case "Accept":
      case "Heartbeat":
      case "Decide":
        if (message.ballot < core.ballot) return this.#refuse(message);
        this.#follow(message.from, message.ballot);
        return true;
      case "Promise":
      case "Accepted":
      case "Missing":
      case "Preempted":
      case "HeartbeatReply":
      case "TakeOver":
      case "Resign":
      case "ReadIndexRequest":
      case "ReadIndexReply":
        if (message.ballot > core.ballot) core.promise(message.ballot, undefined);
        return message.ballot === core.ballot;
      default:
        return assertNever(message);
    }
  }

  #admitsPrepare(message: Prepare): boolean {
    const core = this.#core;
    if (message.ballot < core.ballot) return this.#refuse(message);
    if (!core.mayPromise(message)) return false;
    if (message.ballot === core.ballot) {
      if (core.patron === message.from) core.electionElapsed = 0;
      return true;
    }
    // A leader that is alive must not be disturbed.
    if (core.protectsFrom(message.from) && !message.transfer) return false;
    core.promise(message.ballot, message.from);
    return true;
  }

  #follow(leader: ReplicaId, newBallot: Ballot): void {
    const core = this.#core;
    if (newBallot > core.ballot) core.promise(newBallot, leader);
    if (core.leader === leader) core.electionElapsed = 0;
    else core.becomeFollower(leader, leader);
  }

  /** Whoever proposes in a lower ballot learns of the one promised here. */
  #refuse({ from: to }: MultiPaxosMessage): false {
    const { id: from, ballot } = this.#core;
    this.#core.send({ kind: "Preempted", from, to, ballot });
    return false;
  }

  #dispatch(message: MultiPaxosMessage): void {
    switch (message.kind) {
      case "Canvass":
        return this.#election.onCanvass(message);
      case "CanvassReply":
        return this.#election.onCanvassReply(message);
      case "TakeOver":
        return this.#election.onTakeOver(message);
      case "Prepare":
        return this.#accepting.onPrepare(message);
      case "Accept":
        return this.#accepting.onAccept(message);
      case "Heartbeat":
        return this.#accepting.onHeartbeat(message);
      case "Decide":
        return this.#core.commitTo(message.commitIndex);
      case "Learn":
        this.#accepting.onLearn(message);
        return this.#goOnPreparing();
      case "InstallSnapshot":
        this.#accepting.onInstallSnapshot(message);
        return this.#goOnPreparing();
      case "Promise":
        if (this.#leading !== undefined) return this.#leading.onPromise(message);
        this.#preparation?.onPromise(message);
        return this.#lead();
      case "ReadIndexReply":
        this.#core.commitTo(message.commitIndex);
        return this.#core.forwardedReads.answer(message.request, message.index);
      case "Accepted":
        return this.#leading?.onAccepted(message);
      case "Missing":
        return this.#leading?.onMissing(message);
      case "HeartbeatReply":
        return this.#leading?.onHeartbeatReply(message);
      case "ReadIndexRequest":
        return this.#leading?.onReadIndexRequest(message);
      case "Resign":
        if (message.from !== this.#core.leader) return;
        this.#core.becomeFollower(undefined, undefined);
        return this.#core.hastenElection();
      case "Preempted":
        // Its ballot is promised by now, and so this replica proposes no more.
        return;
      default:
        return assertNever(message);
    }
  }

  /** More is chosen than it knew: it asks for less, and may know enough. */
  #goOnPreparing(): void {
    this.#preparation?.ask();
    if (this.#leading === undefined) this.#lead();
    else this.#leading.onLearned();
  }

  #notLeader(): Refusal {
    return { kind: "not-leader", leader: this.#core.leader };
  }
}
