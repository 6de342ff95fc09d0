/**
 * What a replica does in every protocol: it passes what it is asked to whoever leads or stands, and gathers what the host has
 * to do. A protocol says what its messages mean, who may stand, and what a leader is.
 */

import { assert } from "@holdfast/base";
import type {
  Consensus,
  ConsensusStatus,
  Envelope,
  Fetched,
  FollowerStatus,
  HostProgress,
  InvalidMessage,
  Ready,
} from "../contract/consensus.ts";
import type { MembershipTarget } from "../contract/membership.ts";
import type { Proposed, Refusal } from "../contract/refusal.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { Leader } from "./leader.ts";
import type { ReplicaState } from "./replica-state.ts";

export abstract class Replica<Message extends Envelope> implements Consensus<Message> {
  readonly id: ReplicaId;
  readonly #state: ReplicaState<Message>;
  /** Nothing has happened since `ready` looked: it would find nothing. */
  #isQuiet = false;

  constructor(state: ReplicaState<Message>) {
    this.id = state.id;
    this.#state = state;
  }

  abstract campaign(): void;
  /** Undefined on a replica that does not lead. */
  protected abstract leading(): Leader<Message> | undefined;
  protected abstract problemOf(message: Message): string | undefined;
  /** What the message's ballot means for this replica; false when the message ends here. */
  protected abstract admits(message: Message): boolean;
  protected abstract dispatch(message: Message): void;
  /** It has waited long enough for a leader. */
  protected abstract loseLeader(): void;
  /** A write, or entries that were applied, may have made a leader of it. */
  protected abstract onProgress(): void;

  tick(): void {
    this.#isQuiet = false;
    const state = this.#state;
    state.forwardedReads.tick();
    const leading = this.leading();
    if (leading !== undefined) return leading.tick();
    this.wait();
    state.electionElapsed++;
    if (!state.electionIsDue) return;
    if (state.isPromotable) this.campaign();
    // Whoever may not stand waits for a leader all the same, and protects the silent one no longer (thesis §4.2.3).
    else this.loseLeader();
  }

  step(message: Message): InvalidMessage | undefined {
    this.#isQuiet = false;
    const problem = this.problemOf(message);
    if (problem !== undefined) return { kind: "invalid-message", problem };
    if (this.admits(message)) this.dispatch(message);
    return undefined;
  }

  propose(command: Uint8Array): Proposed | Refusal {
    this.#isQuiet = false;
    return this.leading()?.propose(command) ?? this.#notLeader();
  }

  proposeChange(target: MembershipTarget): Proposed | Refusal {
    this.#isQuiet = false;
    return this.leading()?.proposeChange(target) ?? this.#notLeader();
  }

  readIndex(context: number): void {
    this.#isQuiet = false;
    const leading = this.leading();
    if (leading === undefined) this.#state.forwardedReads.add(context);
    else leading.readLocally(context);
  }

  transferLeader(to: ReplicaId): Refusal | undefined {
    this.#isQuiet = false;
    const leading = this.leading();
    return leading === undefined ? this.#notLeader() : leading.transferLeader(to);
  }

  ready(): Ready<Message> | undefined {
    if (this.#isQuiet) return undefined;
    this.#isQuiet = true;
    this.leading()?.prepare();
    this.#state.forwardedReads.flush();
    return this.#state.takeReady();
  }

  advance({ written, applied }: HostProgress): void {
    const state = this.#state;
    const { commitIndex, role } = state;
    if (written !== undefined) {
      state.writes.written(written);
      const leading = this.leading();
      if (leading === undefined) this.onProgress();
      else leading.onWritten();
    }
    if (applied !== undefined) {
      state.applied(applied);
      const leading = this.leading();
      if (leading === undefined) this.onProgress();
      else leading.onApplied();
    }
    state.settleLost();
    // Most of what the host has done gives it nothing more to do.
    if (state.hasUnhanded || state.commitIndex !== commitIndex || state.role !== role || state.isStirred)
      this.#isQuiet = false;
    state.isStirred = false;
  }

  provide(fetched: Fetched): void {
    this.#isQuiet = false;
    if (!this.provideElsewhere(fetched)) this.leading()?.provide(fetched);
  }

  reportSnapshot(to: ReplicaId, outcome: "delivered" | "failed"): void {
    this.#isQuiet = false;
    this.onSnapshotEnded(to);
    this.leading()?.follower(to)?.onSnapshotEnded(outcome, this.#state.log.base.index);
  }

  reportUnreachable(id: ReplicaId): void {
    this.#isQuiet = false;
    this.leading()?.follower(id)?.onUnreachable();
  }

  status(): ConsensusStatus {
    return this.#state.status();
  }

  followers(): readonly FollowerStatus[] {
    return [...(this.leading()?.followers ?? [])].map((progress) => progress.status());
  }

  checkInvariants(): void {
    this.#state.checkInvariants();
    this.leading()?.checkInvariants();
    if (!this.#isQuiet) return;
    assert(this.#state.hasNothingToDo, "a quiet replica has nothing to do");
    assert(this.leading()?.isPrepared !== false, "a quiet leader has nothing to send");
  }

  /** A moment passes for a replica that does not lead. */
  protected wait(): void {
    // Nothing, unless it has something to repeat.
  }

  /** True when what was read is for somebody else than a follower. */
  protected provideElsewhere(_fetched: Fetched): boolean {
    return false;
  }

  protected onSnapshotEnded(_to: ReplicaId): void {
    // Nothing, unless others than followers get snapshots.
  }

  /** To be called whenever something happens that the contract does not bring. */
  protected wake(): void {
    this.#isQuiet = false;
  }

  #notLeader(): Refusal {
    return { kind: "not-leader", leader: this.#state.leader };
  }
}
