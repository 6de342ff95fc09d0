/**
 * Memory in front of a KeyValue: changes are visible at once and reach the store in large batches, one in flight
 * (a small batch costs the store nearly as much as a large one). Nothing here is durable before `flush` resolves:
 * whoever owns the buffer must be able to make its changes again after a crash, from a log or from volumes.
 *
 * Invariant: a flush takes the whole buffer at one moment, so changes made in the same synchronous run reach the store
 * in the same atomic batch.
 */

import { present } from "@holdfast/base";
import type { KeyRange, KeyValue, KeyValuePair, Mutation } from "./key-value.ts";
import { mergeRanges } from "./merge-ranges.ts";
import { SortedTable } from "./sorted-table.ts";

/**
 * What an entry costs beyond its key and value: objects, the key once more as a string, its places in map and list. A
 * removal has nothing else, and a million of them must not count for little.
 */
export const entryOverheadBytes = 400;

export class WriteBuffer {
  readonly #store: KeyValue;
  #active = new SortedTable();
  #flushing: SortedTable | undefined;
  #flush: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  constructor(store: KeyValue) {
    this.#store = store;
  }

  /** Memory that what waits for the next flush takes, roughly. */
  get pendingBytes(): number {
    return this.#active.bytes + this.#active.size * entryOverheadBytes;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const found = this.#active.find(key) ?? this.#flushing?.find(key);
    return found === undefined ? this.#store.get(key) : found.value;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#active.set(key, value);
  }

  remove(key: Uint8Array): void {
    this.#active.set(key, undefined);
  }

  /** In key order over one state; must be used up or left within the same synchronous run. */
  range(range: KeyRange): Iterable<KeyValuePair> {
    const newestFirst: Iterable<Mutation>[] = [];
    for (const table of [this.#active, this.#flushing])
      if (table?.touches(range) === true) newestFirst.push(table.range(range));
    // The usual case of a large store: what is being read has not changed lately.
    if (newestFirst.length === 0) return this.#store.range(range);
    newestFirst.push(this.#store.range({ from: range.from, to: range.to, reverse: range.reverse ?? false }));
    return mergeRanges(newestFirst, range.reverse ?? false, range.limit ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Resolves when every change made before the call is durable in the store. After a failure the buffer keeps
   * answering from memory, and every later flush fails too: an interrupted flush is never tried again (S11).
   */
  flush(): Promise<void> {
    // The flush under way took the buffer earlier: one more, shared by all who ask meanwhile, takes the rest. It counts
    // until it starts, or a flush begun between the end of the one and the start of the other would overlap with it.
    if (this.#queued !== undefined) return this.#queued;
    if (this.#flush === undefined) return this.#startFlush();
    this.#queued = this.#flush.then(() => this.#startFlush());
    return this.#queued;
  }

  #startFlush(): Promise<void> {
    this.#queued = undefined;
    this.#flushing = this.#active;
    this.#active = new SortedTable();
    this.#flush = this.#writeOut(this.#flushing);
    return this.#flush;
  }

  async #writeOut(table: SortedTable): Promise<void> {
    if (table.size > 0) await this.#store.write(table.sorted());
    await this.#store.flush();
    present(this.#flushing, "table being flushed");
    this.#flushing = undefined;
    this.#flush = undefined;
  }
}
