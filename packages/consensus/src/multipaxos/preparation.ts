/**
 * Phase 1 of one ballot, once for all slots behind the chosen ones (Lamport, "Paxos Made Simple", §3): who has promised,
 * and which values must be proposed again. Promises come in parts that fit a message; one is complete when its sender has
 * told everything. Whatever was lost is asked for again, so that no message needs to arrive.
 *
 * With a quorum of complete promises, every value that may have been chosen in an earlier ballot is among `best`.
 */

import type { LogIndex } from "@holdfast/base";
import { logIndex } from "@holdfast/base";
import type { Entry } from "../contract/entry.ts";
import { membersOf } from "../contract/membership.ts";
import { quorumHolds } from "../contract/quorum.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { AcceptedSlot, Promised } from "./messages.ts";
import type { PaxosCore } from "./paxos-core.ts";

interface Report {
  /** Undefined until the first answer. */
  lastIndex: LogIndex | undefined;
  commitIndex: LogIndex;
  /** The first slot that it has not told of. */
  next: LogIndex;
}

export class Preparation {
  readonly #core: PaxosCore;
  readonly #transfer: boolean;
  readonly #reports = new Map<ReplicaId, Report>();
  /** The value with the highest ballot, by slot. */
  readonly #best = new Map<number, AcceptedSlot>();
  #lastIndex: LogIndex;
  #ticksSinceAsked = 0;
  /** Nobody can forget that this replica has promised itself the ballot. */
  #ownPromiseIsDurable = false;

  /** For a candidate. Its Prepare messages leave once its own promise is durable. */
  constructor(core: PaxosCore, transfer: boolean) {
    this.#core = core;
    this.#transfer = transfer;
    this.#lastIndex = core.log.lastIndex;
  }

  /** Of all slots that are held here or that anybody has told of; there is no gap before it. */
  get lastIndex(): LogIndex {
    return logIndex(Math.max(this.#lastIndex, this.#core.log.lastIndex));
  }

  /** All voters that have not told everything. */
  ask(): void {
    this.#ticksSinceAsked = 0;
    for (const id of this.#otherVoters()) if (!this.#hasPromised(id)) this.#askOne(id);
  }

  /** The membership may have changed. */
  askNewcomers(): void {
    for (const id of this.#otherVoters()) if (!this.#reports.has(id)) this.#askOne(id);
  }

  tick(): void {
    this.#ticksSinceAsked++;
    if (this.#ticksSinceAsked >= this.#core.limits.heartbeatTicks) this.ask();
  }

  onPromise({ from, commitIndex, lastIndex, slots }: Promised): void {
    const core = this.#core;
    const report = this.#reportOf(from);
    const needed = this.#neededOf(report);
    report.lastIndex = lastIndex;
    report.commitIndex = commitIndex;
    core.learn(slots.filter(({ entry }) => entry.index <= commitIndex).map(({ entry }) => entry));
    for (const slot of slots) if (slot.entry.index > core.commitIndex) this.#consider(slot);
    const [first, last] = [slots[0], slots.at(-1)];
    const isNews = first !== undefined && last !== undefined && first.entry.index <= needed;
    if (isNews && last.entry.index >= needed) {
      report.next = logIndex(last.entry.index + 1);
      core.electionElapsed = 0;
      if (!this.#isComplete(report)) this.#askOne(from);
    }
  }

  /** A quorum has told everything: nothing below this ballot can be chosen any more that is not among the best. */
  get hasQuorum(): boolean {
    const { id: self, membership, writes } = this.#core;
    if (writes.hardStateIsDurable) this.#ownPromiseIsDurable = true;
    return quorumHolds(membership, (id) => (id === self ? this.#ownPromiseIsDurable : this.#hasPromised(id)));
  }

  /** What the slot has to be proposed with; undefined when nobody has told of anything. */
  best(index: LogIndex): Entry | undefined {
    const { log, commitIndex } = this.#core;
    const own = log.entry(index);
    const best = this.#best.get(index);
    if (best === undefined || index <= commitIndex) return own;
    return own === undefined || best.acceptedIn > this.#core.acceptedIn(own) ? best.entry : own;
  }

  /** Up to here its log is known to be that of the proposer; undefined before its first answer. */
  chosenAt(id: ReplicaId): LogIndex | undefined {
    const report = this.#reports.get(id);
    return report?.lastIndex === undefined ? undefined : report.commitIndex;
  }

  #otherVoters(): readonly ReplicaId[] {
    const { id: self, membership } = this.#core;
    return membersOf({ ...membership, learners: [] }).filter((id) => id !== self);
  }

  #consider(slot: AcceptedSlot): void {
    const { index } = slot.entry;
    // Its sender does not hold what comes before in memory; it is not complete before that is known here.
    if (index > this.lastIndex + 1) return;
    const known = this.#best.get(index);
    if (known === undefined || slot.acceptedIn > known.acceptedIn) this.#best.set(index, slot);
    if (index > this.#lastIndex) this.#lastIndex = index;
  }

  #askOne(to: ReplicaId): void {
    const core = this.#core;
    const first = this.#neededOf(this.#reportOf(to));
    const { id: from, ballot, holdings } = core;
    const transfer = this.#transfer;
    core.sendWhenDurable({ kind: "Prepare", from, to, ballot, first, transfer, ...holdings });
  }

  #hasPromised(id: ReplicaId): boolean {
    const report = this.#reports.get(id);
    return report !== undefined && this.#isComplete(report);
  }

  #isComplete(report: Report): boolean {
    return report.lastIndex !== undefined && this.#neededOf(report) > report.lastIndex;
  }

  /** What is chosen meanwhile needs no telling. */
  #neededOf({ next }: Report): LogIndex {
    return logIndex(Math.max(next, this.#core.commitIndex + 1));
  }

  #reportOf(id: ReplicaId): Report {
    const known = this.#reports.get(id);
    if (known !== undefined) return known;
    const report = { lastIndex: undefined, commitIndex: logIndex(0), next: logIndex(0) };
    this.#reports.set(id, report);
    return report;
  }
}
