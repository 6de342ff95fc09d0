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
  const cursors = shards.map((shard) => new NameCursor(shard, query));
  try {
    const items: NamedItem[] = [];
    for (;;) {
      const item = lowest(cursors);
      if (item === undefined) return { items, more: false };
      if (items.length === limit) return { items, more: true };
      items.push(item);
      for (const cursor of cursors) {
        const other = cursor.item;
        if (other === item || (other !== undefined && compareBytes(other.order, item.order) === 0))
          cursor.advance();
      }
    }
  } finally {
    for (const cursor of cursors) cursor.close();
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

function lowest(cursors: readonly NameCursor[]): NamedItem | undefined {
  let best: NamedItem | undefined;
  for (const { item } of cursors) {
    if (item === undefined) continue;
    if (best === undefined || compareBytes(item.order, best.order) < 0) best = item;
  }
  return best;
}
