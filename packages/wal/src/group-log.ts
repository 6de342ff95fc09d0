/**
 * One group's log as held in memory: where its durable entries lie, not the entries themselves. Runs of entries of one
 * ballot in one batch share an extent, so memory follows the number of batches behind the checkpoint.
 *
 * Invariant: extents are sorted, do not overlap, and lie behind the checkpoint; without damage they are contiguous
 * from `checkpoint + 1` on.
 */

import type { Ballot, GroupId, LogIndex } from "@holdfast/base";
import { assert, assertNever, ballot, logIndex } from "@holdfast/base";
import type { LogRecord } from "./record.ts";
import type { Segment } from "./segment.ts";
import type { GroupInfo, LogEntry, LogPosition, Suspicion } from "./write-ahead-log.ts";

export interface BatchPlace {
  readonly segment: Segment;
  readonly offset: number;
  /** Header and body, without padding. */
  readonly bytes: number;
}

export interface Extent {
  readonly first: LogIndex;
  readonly last: LogIndex;
  readonly ballot: Ballot;
  readonly place: BatchPlace;
}

export class GroupLog {
  readonly group: GroupId;
  hardState: Uint8Array | undefined;
  suspicion: Suspicion | undefined;
  /** Sequence of the last durable batch that named the group; 0 while nothing of it is durable. */
  touchedBy = 0;
  #base: LogPosition = { index: logIndex(0), ballot: ballot(0) };
  #extents: Extent[] = [];
  #truncations = 0;

  constructor(group: GroupId) {
    this.group = group;
  }

  get checkpoint(): LogPosition {
    return this.#base;
  }

  get extents(): readonly Extent[] {
    return this.#extents;
  }

  get last(): LogPosition {
    const extent = this.#extents.at(-1);
    return extent === undefined ? this.#base : { index: extent.last, ballot: extent.ballot };
  }

  /** Grows whenever entries that were there are dropped or replaced from the end. */
  get truncations(): number {
    return this.#truncations;
  }

  info(): GroupInfo {
    const { index: lastIndex, ballot: lastBallot } = this.last;
    return {
      hardState: this.hardState,
      checkpoint: this.#base.index,
      firstIndex: logIndex(this.#base.index + 1),
      lastIndex,
      lastBallot,
      suspicion: this.suspicion,
    };
  }

  extentAt(index: LogIndex): Extent | undefined {
    let low = 0;
    let high = this.#extents.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const extent = this.#extents[middle];
      if (extent !== undefined && extent.last < index) low = middle + 1;
      else high = middle;
    }
    const extent = this.#extents[low];
    return extent !== undefined && extent.first <= index ? extent : undefined;
  }

  ballotAt(index: LogIndex): Ballot | undefined {
    return index === this.#base.index ? this.#base.ballot : this.extentAt(index)?.ballot;
  }

  /** Makes one durable record count. To let go of a forgotten group is the caller's. */
  apply(record: LogRecord, place: BatchPlace): void {
    switch (record.kind) {
      case "entries":
        return this.#applyEntries(record.entries, place);
      case "hard-state":
        // A copy: the record may be a view of a whole batch.
        this.hardState = record.hardState.slice();
        return;
      case "checkpoint":
        return this.advanceCheckpoint(record.position);
      case "base":
        this.#truncations++;
        this.#extents = [];
        this.#base = record.position;
        return;
      case "end":
        return this.truncateFrom(logIndex(record.last + 1));
      case "suspect":
        this.suspicion = record.suspicion;
        return;
      case "settled":
        this.suspicion = undefined;
        return;
      case "forgotten":
        return;
      default:
        return assertNever(record);
    }
  }

  advanceCheckpoint(position: LogPosition): void {
    if (position.index <= this.#base.index) return;
    this.#base = position;
    const kept = this.#extents.findIndex((extent) => extent.last > position.index);
    this.#extents.splice(0, kept < 0 ? this.#extents.length : kept);
  }

  truncateFrom(index: LogIndex): void {
    let last = this.#extents.at(-1);
    if (last === undefined || last.last < index) return;
    this.#truncations++;
    while (last !== undefined && last.first >= index) {
      this.#extents.pop();
      last = this.#extents.at(-1);
    }
    if (last !== undefined && last.last >= index) {
      this.#extents[this.#extents.length - 1] = { ...last, last: logIndex(index - 1) };
    }
  }

  #applyEntries(entries: readonly LogEntry[], place: BatchPlace): void {
    const [head] = entries;
    if (head === undefined) return;
    this.truncateFrom(head.index);
    let first = head;
    let last = head;
    for (const entry of entries) {
      if (entry.ballot !== first.ballot) {
        this.#push({ first: first.index, last: last.index, ballot: first.ballot, place });
        first = entry;
      }
      last = entry;
    }
    this.#push({ first: first.index, last: last.index, ballot: first.ballot, place });
  }

  #push(extent: Extent): void {
    if (extent.last <= this.#base.index) return;
    const earlier = this.#extents.at(-1);
    assert(earlier === undefined || earlier.last < extent.first, "extents are sorted");
    if (
      earlier?.place === extent.place &&
      earlier.ballot === extent.ballot &&
      earlier.last + 1 === extent.first
    ) {
      this.#extents[this.#extents.length - 1] = { ...earlier, last: extent.last };
    } else {
      this.#extents.push(extent);
    }
  }
}
