/**
 * The end of a replica's log in memory: everything that is not applied, and as much before it as its bound allows, for
 * followers that lag. What lies before is in the write-ahead log alone.
 *
 *   base | base + 1 ... applied ... durable ... written (in flight) ... last
 */

import type { Ballot, LogIndex } from "@holdfast/base";
import { assert, logIndex } from "@holdfast/base";
import type { Entry, LogPosition } from "../contract/entry.ts";
import { entryBytes } from "../contract/entry.ts";

interface Slice {
  readonly from: number;
  readonly through: number;
  readonly bytes: number;
  readonly entries: readonly Entry[];
}

const noSlice: Slice = { from: 0, through: 0, bytes: 0, entries: [] };

export class LogWindow {
  #base: LogPosition;
  /** The entry with index base + 1 + i is at `#head + i`. */
  #entries: Entry[];
  #head = 0;
  #bytes = 0;
  /** The latest slice: each follower, the write and whoever applies ask for the same one. */
  #slice: Slice = noSlice;

  constructor(base: LogPosition, entries: readonly Entry[]) {
    this.#base = { index: base.index, ballot: base.ballot };
    this.#entries = [...entries];
    for (const entry of entries) this.#bytes += entryBytes(entry);
  }

  /** The place just before the first entry held. */
  get base(): LogPosition {
    return this.#base;
  }

  get lastIndex(): LogIndex {
    return logIndex(this.#base.index + this.#entries.length - this.#head);
  }

  get last(): LogPosition {
    return this.#entries.length === this.#head ? this.#base : this.#at(this.#entries.length - 1);
  }

  /** Of the entries held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Undefined before the base and behind the end. */
  ballotAt(index: LogIndex): Ballot | undefined {
    if (index === this.#base.index) return this.#base.ballot;
    return this.entry(index)?.ballot;
  }

  entry(index: LogIndex): Entry | undefined {
    return index > this.#base.index ? this.#entries[this.#head + index - this.#base.index - 1] : undefined;
  }

  /** From `from` to `through`, as many as fit, at least one if there is one. `from` lies behind the base. */
  slice(from: LogIndex, through: LogIndex, bytesMax: number): readonly Entry[] {
    assert(from > this.#base.index, "what lies before the window is not in it");
    const known = this.#slice;
    const isKnown = known.from === from && known.through === Math.min(through, this.lastIndex);
    if (isKnown && known.bytes <= bytesMax) return known.entries;
    const start = this.#head + from - this.#base.index - 1;
    const stop = Math.min(this.#entries.length, start + through - from + 1);
    if (stop <= start) return noSlice.entries;
    let bytes = entryBytes(this.#at(start));
    let end = start + 1;
    for (; end < stop; end++) {
      const next = entryBytes(this.#at(end));
      if (bytes + next > bytesMax) break;
      bytes += next;
    }
    const entries = this.#entries.slice(start, end);
    this.#slice = { from, through: from + entries.length - 1, bytes, entries };
    return entries;
  }

  /** Of the entries behind this one. */
  bytesBehind(index: LogIndex): number {
    let bytes = 0;
    for (
      let next = this.entry(logIndex(index + 1));
      next !== undefined;
      next = this.entry(logIndex(next.index + 1))
    )
      bytes += entryBytes(next);
    return bytes;
  }

  append(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, "entries are appended one behind the other");
    this.#entries.push(entry);
    this.#bytes += entryBytes(entry);
  }

  /** The array stays as it is: whoever asks for these entries gets it. */
  appendAll(entries: readonly Entry[]): void {
    const { lastIndex, bytes } = this;
    for (const entry of entries) this.append(entry);
    this.#slice = { from: lastIndex + 1, through: this.lastIndex, bytes: this.#bytes - bytes, entries };
  }

  /** Another value in a place that is held; what stands behind it stays. */
  replace(entry: Entry): void {
    const position = this.#head + entry.index - this.#base.index - 1;
    this.#bytes += entryBytes(entry) - entryBytes(this.#at(position));
    this.#entries[position] = entry;
    this.#slice = noSlice;
  }

  /** Drops this entry and all behind it. */
  truncate(from: LogIndex): void {
    assert(from > this.#base.index, "what lies before the window is not in it");
    const start = this.#head + from - this.#base.index - 1;
    for (let i = start; i < this.#entries.length; i++) this.#bytes -= entryBytes(this.#at(i));
    this.#entries.length = Math.min(this.#entries.length, start);
    this.#slice = noSlice;
  }

  /** Forgets the oldest entries while more than the bound is held, none behind `through`. */
  shrink(through: LogIndex, bytesMax: number): void {
    while (this.#bytes > bytesMax && this.#base.index < through) {
      const first = this.#at(this.#head);
      this.#bytes -= entryBytes(first);
      this.#base = { index: first.index, ballot: first.ballot };
      this.#head++;
    }
    // Moving the rest costs its length: rarely, and then much at once.
    if (this.#head > 1024 && 2 * this.#head > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Everything is replaced by a snapshot that ends here. */
  reset(base: LogPosition): void {
    this.#base = { index: base.index, ballot: base.ballot };
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#slice = noSlice;
  }

  /** The largest index up to `index` whose ballot is at most `ballot`; the base's when there is none in the window. */
  lastAtOrBelow(index: LogIndex, ballot: Ballot): LogPosition {
    for (let i = Math.min(index, this.lastIndex) - this.#base.index - 1; i >= 0; i--) {
      const entry = this.#at(this.#head + i);
      if (entry.ballot <= ballot) return entry;
    }
    return this.#base;
  }

  #at(position: number): Entry {
    const entry = this.#entries[position];
    assert(entry !== undefined, "entry in the window");
    return entry;
  }
}
