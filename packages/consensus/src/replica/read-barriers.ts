/**
 * A leader's read barriers (ReadIndex, Ongaro's thesis §6.4): the commit index at the time of asking is good to read
 * at once a quorum has answered a heartbeat that was sent afterwards. Heartbeats carry the number of a round; all
 * barriers asked for between two calls of `ready` share one. Rounds are never reused in a ballot, and a ballot has one
 * leader, so that a late or doubled answer confirms nothing it should not.
 */

import type { LogIndex } from "@holdfast/base";
import type { ReplicaId } from "../contract/replica-id.ts";

export type Reader =
  | { readonly kind: "local"; readonly context: number }
  | { readonly kind: "remote"; readonly from: ReplicaId; readonly request: number };

/** Waiting for others, at the most: whoever asks too often fills no memory. */
const readersMax = 1024;

interface Barrier {
  readonly reader: Reader;
  readonly index: LogIndex;
  readonly round: number;
}

export class ReadBarriers {
  /** Asked before the leader knew how far the log is committed. */
  #early: Reader[] = [];
  #barriers: Barrier[] = [];
  #round = 0;

  /** The last round that has begun. */
  get round(): number {
    return this.#round;
  }

  /** `commitIndex` undefined: nothing of this leader's own is committed, so it may not know all that is (§6.4, step 1). */
  add(reader: Reader, commitIndex: LogIndex | undefined): void {
    // Not answered, a follower asks again.
    if (reader.kind === "remote" && this.#early.length + this.#barriers.length >= readersMax) return;
    if (commitIndex === undefined) this.#early.push(reader);
    else this.#barriers.push({ reader, index: commitIndex, round: this.#round + 1 });
  }

  onFirstCommit(commitIndex: LogIndex): void {
    for (const reader of this.#early.splice(0)) this.add(reader, commitIndex);
  }

  /** Begins a round if somebody waits for one: heartbeats have to leave now. */
  begin(): boolean {
    if ((this.#barriers.at(-1)?.round ?? 0) <= this.#round) return false;
    this.#round++;
    return true;
  }

  /** Those whose round a quorum has answered. */
  confirm(confirmedRound: number): readonly Barrier[] {
    const first = this.#barriers.findIndex(({ round }) => round > confirmedRound);
    return this.#barriers.splice(0, first < 0 ? this.#barriers.length : first);
  }

  get isWaiting(): boolean {
    return this.#barriers.length > 0;
  }

  abandon(): readonly Reader[] {
    const readers = [...this.#early, ...this.#barriers.map(({ reader }) => reader)];
    this.#early = [];
    this.#barriers = [];
    return readers;
  }
}
