import { compareBytes, prefixEnd } from "@holdfast/base";
import type { StateReader } from "@holdfast/ports";
import type { NamedItem, NameQuery } from "./name-cursor.ts";
import { commonPrefix, NameCursor } from "./name-cursor.ts";

export interface NamePage {
  readonly items: readonly NamedItem[];
  /** Whether something is left behind the last item. */
  readonly more: boolean;
}

/** The first items of all shards together, in byte order; a common prefix that several shards have comes once. */
export function mergeNames(shards: readonly StateReader[], query: NameQuery, limit: number): NamePage {
  if (limit < 1) return { items: [], more: false };
  const cursors = new CursorHeap(shards.map((shard) => new NameCursor(shard, query)));
  try {
    const items: NamedItem[] = [];
    for (;;) {
      const item = cursors.lowest;
      if (item === undefined) return { items, more: false };
      if (items.length === limit) return { items, more: true };
      items.push(item);
      cursors.skip(item);
    }
  } finally {
    cursors.close();
  }
}

/**
 * The first name a page that continues behind `after` may have. A marker that is itself a common prefix stands for
 * everything under it.
 */
export function nameBehind(after: Uint8Array, prefix: Uint8Array, delimiter: Uint8Array): Uint8Array {
  if (after.length === 0) return after;
  const isCommonPrefix = commonPrefix(after, prefix, delimiter)?.length === after.length;
  const behind = new Uint8Array(after.length + 1);
  behind.set(after);
  // No name lies between a name and the same with a zero byte behind it.
  return isCommonPrefix ? (prefixEnd(after) ?? behind) : behind;
}

/** The cursors of all shards with the lowest on top: a step costs few comparisons, however many shards there are. */
class CursorHeap {
  readonly #all: readonly NameCursor[];
  /** Those that are not at their end, as a binary heap. */
  readonly #heap: NameCursor[];

  constructor(all: readonly NameCursor[]) {
    this.#all = all;
    this.#heap = all.filter((cursor) => cursor.item !== undefined);
    for (let at = (this.#heap.length >>> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  get lowest(): NamedItem | undefined {
    return this.#heap[0]?.item;
  }

  /** Every cursor that stands at this item goes on. */
  skip(item: NamedItem): void {
    do this.#advance();
    while (this.lowest !== undefined && compareBytes(this.lowest.order, item.order) === 0);
  }

  close(): void {
    for (const cursor of this.#all) cursor.close();
  }

  /** The lowest cursor goes on. */
  #advance(): void {
    const top = this.#heap[0];
    top?.advance();
    if (top?.item === undefined) {
      const last = this.#heap.pop();
      if (last !== undefined && this.#heap.length > 0) this.#heap[0] = last;
    }
    this.#sink(0);
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const sinking = heap[from];
    if (sinking === undefined) return;
    let at = from;
    for (;;) {
      const child = this.#lowerChild(at);
      const found = heap[child];
      if (found === undefined || !isBefore(found, sinking)) break;
      heap[at] = found;
      at = child;
    }
    heap[at] = sinking;
  }

  #lowerChild(at: number): number {
    const left = 2 * at + 1;
    const [first, second] = [this.#heap[left], this.#heap[left + 1]];
    return first !== undefined && second !== undefined && isBefore(second, first) ? left + 1 : left;
  }
}

function isBefore(a: NameCursor, b: NameCursor): boolean {
  return a.item !== undefined && b.item !== undefined && compareBytes(a.item.order, b.item.order) < 0;
}
