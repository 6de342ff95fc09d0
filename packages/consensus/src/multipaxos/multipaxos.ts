/**
 * Multi-Paxos (Lamport, "Paxos Made Simple", 2001, §3; Lamport, Malkhi and Zhou, "Reconfiguring a State Machine", 2010;
 * van Renesse and Altinbuken, "Paxos Made Moderately Complex", 2015) behind the contract: this file says which message goes
 * where and what a ballot in it means; the work is done by election, preparation, accepting and leading.
 */

import type { Ballot } from "@holdfast/base";
import { assertNever } from "@holdfast/base";
import type { Consensus, ConsensusOptions, Fetched } from "../contract/consensus.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import { Replica } from "../replica/replica.ts";
import { Accepting } from "./accepting.ts";
import { Election } from "./election.ts";
import { Leading } from "./leading.ts";
import { problemOf } from "./message-problem.ts";
import type { MultiPaxosMessage, Prepare } from "./messages.ts";
import { PaxosCore } from "./paxos-core.ts";
import { Preparation } from "./preparation.ts";

export function createMultiPaxos(options: ConsensusOptions): Consensus<MultiPaxosMessage> {
  return new MultiPaxos(new PaxosCore(options));
}

class MultiPaxos extends Replica<MultiPaxosMessage> {
  readonly #core: PaxosCore;
  readonly #election: Election;
  readonly #accepting: Accepting;
  /** Of the ballot that this replica stands or leads in. */
  #preparation: Preparation | undefined;
  #leading: Leading | undefined;

  constructor(core: PaxosCore) {
    super(core);
    this.#core = core;
    this.#election = new Election(core, (above, transfer) => this.#prepare(above, transfer));
    this.#accepting = new Accepting(core);
  }

  override campaign(): void {
    this.wake();
    this.#election.campaign();
  }

  protected override leading(): Leading | undefined {
    return this.#leading;
  }

  protected override wait(): void {
    this.#preparation?.tick();
  }

  protected override loseLeader(): void {
    this.#core.becomeFollower(undefined, undefined);
  }

  protected override onProgress(): void {
    this.#lead();
  }

  protected override provideElsewhere(fetched: Fetched): boolean {
    return this.#accepting.provide(fetched);
  }

  protected override onSnapshotEnded(to: ReplicaId): void {
    this.#accepting.onSnapshotEnded(to);
  }

  protected override problemOf(message: MultiPaxosMessage): string | undefined {
    return problemOf(this.#core, this.#leading, message);
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
  protected override admits(message: MultiPaxosMessage): boolean {
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

  protected override dispatch(message: MultiPaxosMessage): void {
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
}
