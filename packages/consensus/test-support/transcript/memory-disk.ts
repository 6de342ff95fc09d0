/**
 * What a replica of a transcript has on disk: hard state, log, flushed state, and the writes on their way there, each of
 * which is done when the script says so.
 */

import type { Ballot } from "@holdfast/base";
import { ballot, logIndex, present } from "@holdfast/base";
import type {
  Envelope,
  Fetch,
  Fetched,
  Restored,
  SnapshotPosition,
  StorageWrite,
} from "../../src/contract/consensus.ts";
import type { Entry, LogPosition } from "../../src/contract/entry.ts";
import { entryBytes } from "../../src/contract/entry.ts";
import type { Membership } from "../../src/contract/membership.ts";

export class MemoryDisk<Message extends Envelope> {
  hardState: Uint8Array | undefined;
  /** The state machine's state as it was flushed. */
  state: SnapshotPosition;
  #base: LogPosition = { index: logIndex(0), ballot: ballot(0) };
  #entries: Entry[] = [];
  #inFlight: StorageWrite<Message>[] = [];
  #lost: LogPosition | undefined;

  constructor(membership: Membership) {
    this.state = { index: logIndex(0), ballot: ballot(0), membership };
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get base(): LogPosition {
    return this.#base;
  }

  get writesInFlight(): number {
    return this.#inFlight.length;
  }

  preload(entries: readonly Entry[]): void {
    this.#entries = [...entries];
  }

  submit(write: StorageWrite<Message>): void {
    this.#inFlight.push(write);
  }

  /** The oldest write in flight is durable. */
  complete(): StorageWrite<Message> {
    const write = present(this.#inFlight.shift(), "a write in flight");
    this.#store(write);
    return write;
  }

  /** Of what was in flight, only the first `kept` writes reached the disk. */
  crash(kept: number): void {
    for (const write of this.#inFlight.slice(0, kept)) this.#store(write);
    this.#inFlight = [];
  }

  /** The last entries are damaged, and recovery knows of them (S10). */
  lose(count: number): void {
    const { index, ballot: lostBallot } = present(this.#entries.at(-1), "an entry to lose");
    this.#lost = { index, ballot: lostBallot };
    this.#entries.length -= count;
  }

  /** The replica is not suspect any more. */
  settle(): void {
    this.#lost = undefined;
  }

  /** Entries up to here are given up; the flushed state holds what they did. */
  compact(through: number): void {
    const count = through - this.#base.index;
    const { index, ballot: baseBallot } = present(this.#entries[count - 1], `entry ${through}`);
    this.#base = { index, ballot: baseBallot };
    this.#entries.splice(0, count);
  }

  ballotAt(index: number): Ballot | undefined {
    return index === this.#base.index
      ? this.#base.ballot
      : this.#entries[index - this.#base.index - 1]?.ballot;
  }

  fetch({ to, from, through, bytesMax }: Fetch): Fetched {
    const start = from - this.#base.index - 1;
    if (start < 0) return { kind: "compacted", to };
    const before = this.#entries[start - 1] ?? this.#base;
    const entries: Entry[] = [];
    let bytes = 0;
    for (const entry of this.#entries.slice(start, through - this.#base.index)) {
      bytes += entryBytes(entry);
      if (entries.length > 0 && bytes > bytesMax) break;
      entries.push(entry);
    }
    return { kind: "entries", to, previous: { index: before.index, ballot: before.ballot }, entries };
  }

  restore(): Restored {
    const behind = this.#entries.filter(({ index }) => index > this.state.index);
    return { hardState: this.hardState, applied: this.state, entries: behind, lost: this.#lost };
  }

  #store({ hardState, base, entries }: StorageWrite<Message>): void {
    if (hardState !== undefined) this.hardState = hardState;
    if (base !== undefined) {
      this.state = base;
      this.#base = { index: base.index, ballot: base.ballot };
      this.#entries = [];
    }
    const first = entries[0];
    if (first === undefined) return;
    this.#entries.length = first.index - this.#base.index - 1;
    this.#entries.push(...entries);
  }
}
