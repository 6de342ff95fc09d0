/**
 * Memory in front of a KeyValue: changes are visible at once and reach the store in large batches, one in flight
 * (a small batch costs the store nearly as much as a large one). Nothing here is durable before `flush` resolves:
 * whoever owns the buffer must be able to make its changes again after a crash, from a log or from volumes.
 *
 * Invariant: a flush takes the whole buffer at one moment, so changes made in the same synchronous run reach the store
 * in the same atomic batch.
 */

import { binaryString, present } from "@holdfast/base";
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
  readonly #beforeFlush: () => void;
  #active = new SortedTable();
  /** Names in `#active` that neither the store nor the table being flushed has. */
  #inserted = new Set<string>();
  #flushing: SortedTable | undefined;
  #flush: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  /** `beforeFlush` may add to what the flush is about to take. */
  constructor(store: KeyValue, beforeFlush: () => void = () => undefined) {
    this.#store = store;
    this.#beforeFlush = beforeFlush;
  }

  /** Memory that what waits for the next flush takes, roughly. */
  get pendingBytes(): number {
    return this.#active.bytes + this.#active.size * entryOverheadBytes;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const found = this.pending(binaryString(key));
    return found === undefined ? this.#store.get(key) : found.value;
  }

  /** What memory says of the key with this binary string; undefined when only the store knows. */
  pending(name: string): Mutation | undefined {
    return this.#active.findNamed(name) ?? this.#flushing?.findNamed(name);
  }

  /** What the store says of a key that nothing is pending for, in memory that its next call may use again. */
  peekStored(key: Uint8Array): Uint8Array | undefined {
    return this.#store.peek(key);
  }

  put(key: Uint8Array, value: Uint8Array, name: string = binaryString(key)): void {
    this.#active.setNamed(name, key, value);
  }

  /** As `put`, where a look has just shown that nothing stands under the key. */
  insert(key: Uint8Array, value: Uint8Array, name: string = binaryString(key)): void {
    // A removal that waits for the flush must still reach the store, if this key goes again before.
    if (this.#active.findNamed(name) === undefined) this.#inserted.add(name);
    this.#active.setNamed(name, key, value);
  }

  /** What was inserted and removed between two flushes never reaches the store. */
  remove(key: Uint8Array, name: string = binaryString(key)): void {
    if (this.#inserted.delete(name)) this.#active.forgetNamed(name);
    else this.#active.setNamed(name, key, undefined);
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
    this.#beforeFlush();
    this.#flushing = this.#active;
    this.#active = new SortedTable();
    this.#inserted = new Set();
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
