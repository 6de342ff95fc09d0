/** The acceptor and learner: what a replica does at the word of whoever proposes in the ballot it has promised. */

import type { LogIndex } from "@holdfast/base";
import { logIndex } from "@holdfast/base";
import type { Fetched } from "../contract/consensus.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { InstallSnapshot } from "../replica/snapshot-message.ts";
import type { Accept, Heartbeat, Learn, Prepare } from "./messages.ts";
import type { PaxosCore } from "./paxos-core.ts";

export class Accepting {
  readonly #core: PaxosCore;
  /** Proposers that get old slots or a snapshot from here, and which of both. */
  readonly #served = new Map<ReplicaId, "slots" | "snapshot">();

  constructor(core: PaxosCore) {
    this.#core = core;
  }

  /** The ballot is promised by now; the answer leaves when nobody can forget that. */
  onPrepare({ from: to, first }: Prepare): void {
    const core = this.#core;
    const { id: from, ballot, commitIndex, log } = core;
    if (first <= log.base.index) this.#serve(to, first);
    const slots = core.acceptedSlots(logIndex(Math.max(first, log.base.index + 1)));
    const { lastIndex } = log;
    core.sendWhenDurable({ kind: "Promise", from, to, ballot, commitIndex, lastIndex, slots });
  }

  onAccept({ from: to, previousIndex, entries, commitIndex }: Accept): void {
    const core = this.#core;
    if (previousIndex > core.acceptedIndex) return this.#sayMissing(to, previousIndex);
    core.accept(entries);
    core.commitTo(commitIndex);
    this.#sayAccepted(to, logIndex(previousIndex + entries.length));
  }

  onHeartbeat({ from: to, commitIndex, round }: Heartbeat): void {
    const core = this.#core;
    core.commitTo(commitIndex);
    const { id: from, ballot, lost, acceptedIndex } = core;
    const suspect = lost !== undefined;
    core.send({ kind: "HeartbeatReply", from, to, ballot, round, suspect });
    // S10: the leader believes that this replica holds what it lost, and would not send it before the next proposal.
    if (suspect && commitIndex > acceptedIndex) this.#sayMissing(to, commitIndex);
  }

  onLearn({ entries }: Learn): void {
    this.#core.learn(entries);
  }

  /** The snapshot waits beside the state. One that is known as chosen already is not needed. */
  onInstallSnapshot(message: InstallSnapshot): void {
    const core = this.#core;
    const { from, snapshotIndex: index, snapshotBallot: ballot, membership } = message;
    if (index > core.commitIndex) core.install({ index, ballot, membership });
    if (from === core.leader && message.ballot === core.ballot) this.#sayAccepted(from, index);
  }

  /** The host has read old slots for a proposer that lags, or they are gone. False when they are for somebody else. */
  provide(fetched: Fetched): boolean {
    const { to } = fetched;
    if (this.#served.get(to) !== "slots") return false;
    const core = this.#core;
    if (fetched.kind === "compacted") {
      this.#served.set(to, "snapshot");
      core.snapshots.push(to);
      return true;
    }
    this.#served.delete(to);
    const { id: from, ballot } = core;
    core.send({ kind: "Learn", from, to, ballot, entries: fetched.entries });
    return true;
  }

  onSnapshotEnded(to: ReplicaId): void {
    this.#served.delete(to);
  }

  #serve(to: ReplicaId, from: LogIndex): void {
    if (this.#served.has(to)) return;
    if (this.#core.fetch(to, from)) this.#served.set(to, "slots");
  }

  #sayAccepted(to: ReplicaId, matchIndex: LogIndex): void {
    const core = this.#core;
    const { id: from, ballot } = core;
    core.sendWhenDurable({ kind: "Accepted", from, to, ballot, matchIndex });
  }

  #sayMissing(to: ReplicaId, previousIndex: LogIndex): void {
    const core = this.#core;
    const { id: from, ballot, acceptedIndex } = core;
    const lost = core.lost !== undefined;
    core.send({ kind: "Missing", from, to, ballot, previousIndex, acceptedIndex, lost });
  }
}
