import assert from "node:assert/strict";
import { test } from "node:test";
import { compareBytes, seededRandom, toHex, uniform } from "@holdfast/base";
import type { FetchPage, OrderedItem } from "./merge-pages.ts";
import { mergePages } from "./merge-pages.ts";

interface Item extends OrderedItem {
  readonly source: number;
}

/** Pages of at most `most` of these, whatever is asked for. */
function pages(items: readonly Item[], most: number, onFetch: () => void = () => undefined): FetchPage<Item> {
  return (limit) => {
    onFetch();
    const size = Math.min(limit, most);
    const rest = items.slice(size);
    const next = rest.length === 0 ? undefined : pages(rest, most, onFetch);
    return { items: items.slice(0, size), next };
  };
}

function hex({ order }: OrderedItem): string {
  return toHex(order);
}

test("merged pages: the first items of all sources in order, each order once, and whether more follows", async () => {
  const random = seededRandom(5);
  for (let round = 0; round < 300; round++) {
    const sources = Array.from({ length: 1 + uniform(random, 5) }, (_, source): readonly Item[] =>
      [...new Set(Array.from({ length: uniform(random, 60) }, () => uniform(random, 200)))].map((n) => ({
        order: Uint8Array.of(n >> 4, n),
        source,
      })),
    ).map((items) => [...items].sort((a, b) => compareBytes(a.order, b.order)));
    const all = [...new Set(sources.flat().map(hex))].sort();
    const limit = uniform(random, 80);
    const fetches = sources.map((items) => pages(items, 1 + uniform(random, 30)));
    const { items, more } = await mergePages(fetches, limit);
    assert.deepEqual(items.map(hex), all.slice(0, limit));
    assert.equal(more, limit > 0 && all.length > limit);
  }
});

test("merged pages: a source is asked again only when what it gave is used up", async () => {
  let fetched = 0;
  const source = (first: number): FetchPage<Item> => {
    const items = Array.from({ length: 400 }, (_, i) => ({
      order: Uint8Array.of(i >> 8, i, first),
      source: 0,
    }));
    return pages(items, 1000, () => fetched++);
  };
  const { items, more } = await mergePages([0, 1, 2, 3].map(source), 100);
  assert.deepEqual([items.length, more, fetched], [100, true, 4]);
});
