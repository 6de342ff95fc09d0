/**
 * A leader, in every protocol: what it takes, whom it serves, when it steps down, and how it hands over. A protocol says from
 * where on it may commit, and what has to come first.
 */

import type { LogIndex } from "@holdfast/base";
import { assert, logIndex } from "@holdfast/base";
import type { Envelope, Fetched } from "../contract/consensus.ts";
import type { Entry, EntryKind } from "../contract/entry.ts";
import { entryBytes } from "../contract/entry.ts";
import type { MembershipTarget } from "../contract/membership.ts";
import { encodeMembership, enterChange, isJoint, isVoter, problemOfTarget } from "../contract/membership.ts";
import type { Proposed, Refusal } from "../contract/refusal.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { FollowerProgress } from "./follower-progress.ts";
import type { LeaderVoice } from "./followers.ts";
import { Followers } from "./followers.ts";
import type { ReadIndexRequest } from "./read-messages.ts";
import type { ReplicaState } from "./replica-state.ts";

export abstract class Leader<Message extends Envelope> {
  readonly #state: ReplicaState<Message>;
  protected readonly group: Followers<Message>;
  #uncommittedBytes = 0;
  #transfer: { readonly to: ReplicaId; sent: boolean } | undefined;

  constructor(state: ReplicaState<Message>, voice: LeaderVoice) {
    this.#state = state;
    this.group = new Followers(state, voice);
  }

  /** What it may send goes up to here. */
  abstract readonly sendableIndex: LogIndex;
  abstract onWritten(): void;
  abstract onApplied(): void;
  /** Undefined while it does not know all that is committed. */
  protected abstract readableIndex(): LogIndex | undefined;
  /** A change of membership has not ended. */
  protected abstract isChanging(): boolean;
  /** Nothing can be proposed now, whatever it is. */
  protected abstract isStalled(): boolean;
  protected abstract stepDown(): void;
  /** Leadership is yours to take. */
  protected abstract sayHandOver(to: ReplicaId): void;

  get followers(): Iterable<FollowerProgress> {
    return this.group.all;
  }

  follower(id: ReplicaId): FollowerProgress | undefined {
    return this.group.get(id);
  }

  /** The latest round of read barriers. */
  get round(): number {
    return this.group.round;
  }

  propose(command: Uint8Array): Proposed | Refusal {
    const refusal = this.refusal();
    if (refusal !== undefined) return refusal;
    const { uncommittedBytesMax } = this.#state.limits;
    // A single large one passes when nothing else waits.
    if (this.#uncommittedBytes > 0 && this.#uncommittedBytes + command.length > uncommittedBytesMax)
      return { kind: "overloaded" };
    return proposed(this.append("command", command));
  }

  proposeChange(target: MembershipTarget): Proposed | Refusal {
    const problem = problemOfTarget(target);
    if (problem !== undefined) return { kind: "invalid-change", problem };
    const refusal = this.refusal();
    if (refusal !== undefined) return refusal;
    const { membership } = this.#state;
    // One at a time: two in flight could have disjoint quorums (Raft §6).
    if (isJoint(membership) || this.isChanging()) return { kind: "change-in-progress" };
    const next = enterChange(membership, target);
    if (next === undefined) return { kind: "invalid-change", problem: "nothing would change" };
    return proposed(this.append("membership", encodeMembership(next)));
  }

  transferLeader(to: ReplicaId): Refusal | undefined {
    const state = this.#state;
    if (to === state.id || !isVoter(state.membership, to))
      return { kind: "invalid-change", problem: `replica ${to} is no other voter` };
    if (this.#transfer?.to === to) return undefined;
    this.#transfer = { to, sent: false };
    state.electionElapsed = 0;
    this.handOver();
    return undefined;
  }

  readLocally(context: number): void {
    this.group.read({ kind: "local", context }, this.readableIndex());
  }

  onReadIndexRequest({ from, request }: ReadIndexRequest): void {
    this.group.read({ kind: "remote", from, request }, this.readableIndex());
  }

  tick(): void {
    const state = this.#state;
    state.electionElapsed++;
    if (state.electionElapsed >= state.limits.electionTicks) {
      state.electionElapsed = 0;
      // Not done in time: its followers have had enough of waiting.
      this.#transfer = undefined;
      if (!this.group.checkQuorum()) return this.stepDown();
    }
    this.group.tick();
  }

  provide(fetched: Fetched): void {
    this.group.provide(fetched, this.sendableIndex);
  }

  /** Entries gathered since the last look share one message. */
  prepare(): void {
    this.group.prepare(this.sendableIndex);
  }

  get isPrepared(): boolean {
    return this.group.isPrepared(this.sendableIndex);
  }

  checkInvariants(): void {
    const { log, commitIndex } = this.#state;
    this.group.checkInvariants(this.sendableIndex);
    assert(log.bytesBehind(commitIndex) === this.#uncommittedBytes, "uncommitted bytes are counted");
  }

  protected refusal(): Refusal | undefined {
    if (this.#transfer !== undefined) return { kind: "transferring", to: this.#transfer.to };
    return this.isStalled() ? { kind: "change-in-progress" } : undefined;
  }

  protected append(kind: EntryKind, payload: Uint8Array): Entry {
    const entry = this.#state.append(kind, payload);
    this.#uncommittedBytes += entryBytes(entry);
    return entry;
  }

  /** To be called when the log behind the commit index is not what was appended here. */
  protected countUncommitted(): void {
    this.#uncommittedBytes = this.#state.log.bytesBehind(this.#state.commitIndex);
  }

  protected commit(reached: LogIndex): void {
    const { log, commitIndex } = this.#state;
    for (let i = commitIndex + 1; i <= reached; i++) {
      const entry = log.entry(logIndex(i));
      if (entry !== undefined) this.#uncommittedBytes -= entryBytes(entry);
    }
    this.#state.commitTo(reached);
  }

  /** The voter that holds most; of several the one that leadership is being handed to. */
  protected successor(): ReplicaId | undefined {
    const wished = this.#transfer?.to;
    const { voters } = this.#state.membership;
    const byWish = [...voters].sort((a, b) => Number(b === wished) - Number(a === wished));
    return byWish.sort((a, b) => this.group.matchIndexOf(b) - this.group.matchIndexOf(a))[0];
  }

  /** Once whoever is to take over has everything. */
  protected handOver(): void {
    const transfer = this.#transfer;
    // It may have stepped down, and handed over, in the same moment.
    if (transfer === undefined || transfer.sent || this.#state.role !== "leader") return;
    if (this.group.matchIndexOf(transfer.to) !== this.#state.log.lastIndex) return;
    transfer.sent = true;
    this.sayHandOver(transfer.to);
  }
}

function proposed({ index, ballot }: Entry): Proposed {
  return { kind: "proposed", index, ballot };
}
