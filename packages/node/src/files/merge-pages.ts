/**
 * One page out of the pages of several sources, each in the same order. Of a source no more is held than one of its own pages;
 * the next one is fetched when something may be missing.
 */

import type { Awaitable } from "@holdfast/base";
import { compareBytes } from "@holdfast/base";

export interface OrderedItem {
  /** Items are ordered by it; equal ones of several sources are one. */
  readonly order: Uint8Array;
}

export interface SourcePage<Item> {
  readonly items: readonly Item[];
  /** Fetches the next page; undefined at the end. */
  readonly next: FetchPage<Item> | undefined;
}

export type FetchPage<Item> = (limit: number) => Awaitable<SourcePage<Item>>;

export interface MergedPage<Item> {
  readonly items: readonly Item[];
  /** Something is left behind the last item. */
  readonly more: boolean;
}

const pageItemsMin = 16;
const pageItemsMax = 500;

/** The first `limit` items of all sources together. */
export async function mergePages<Item extends OrderedItem>(
  fetches: readonly FetchPage<Item>[],
  limit: number,
): Promise<MergedPage<Item>> {
  const items: Item[] = [];
  if (limit < 1) return { items, more: false };
  const sources = fetches.map((fetch) => new Source(fetch));
  for (;;) {
    // Keys are spread evenly: twice its share is nearly always enough of a source.
    const share = Math.ceil((2 * (limit - items.length + 1)) / sources.length);
    const pageItems = Math.min(pageItemsMax, Math.max(pageItemsMin, share));
    await Promise.all(sources.map((source) => source.fill(pageItems)));
    while (!sources.some(({ isDry }) => isDry)) {
      const lowest = lowestOf(sources);
      if (lowest === undefined) return { items, more: false };
      if (items.length === limit) return { items, more: true };
      items.push(lowest);
      for (const source of sources) source.skip(lowest);
    }
  }
}

function lowestOf<Item extends OrderedItem>(sources: readonly Source<Item>[]): Item | undefined {
  let lowest: Item | undefined;
  for (const { item } of sources)
    if (item !== undefined && (lowest === undefined || compareBytes(item.order, lowest.order) < 0))
      lowest = item;
  return lowest;
}

class Source<Item extends OrderedItem> {
  #items: readonly Item[] = [];
  #at = 0;
  #next: FetchPage<Item> | undefined;

  constructor(first: FetchPage<Item>) {
    this.#next = first;
  }

  get item(): Item | undefined {
    return this.#items[this.#at];
  }

  /** It may have items that were not fetched and that come before those of others. */
  get isDry(): boolean {
    return this.item === undefined && this.#next !== undefined;
  }

  async fill(limit: number): Promise<void> {
    while (this.item === undefined && this.#next !== undefined) {
      const { items, next } = await this.#next(limit);
      this.#items = items;
      this.#next = next;
      this.#at = 0;
    }
  }

  skip({ order }: Item): void {
    const { item } = this;
    if (item !== undefined && compareBytes(item.order, order) === 0) this.#at++;
  }
}
