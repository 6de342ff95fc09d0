import { compareBytes } from "@holdfast/base";
import type { KeyValuePair, Mutation } from "./key-value.ts";

interface Cursor {
  readonly source: Iterator<Mutation>;
  head: Mutation | undefined;
}

/**
 * Merges sorted sources into one: where several have a key, the first source in the list wins; a mutation without a
 * value hides the key.
 */
export function* mergeRanges(
  newestFirst: readonly Iterable<Mutation>[],
  reverse: boolean,
  limit: number,
): Iterable<KeyValuePair> {
  const cursors = newestFirst.map((source): Cursor => {
    const iterator = source[Symbol.iterator]();
    return { source: iterator, head: next(iterator) };
  });
  try {
    let count = 0;
    while (count < limit) {
      const winner = nearest(cursors, reverse);
      if (winner === undefined) return;
      for (const cursor of cursors) {
        if (cursor.head !== undefined && compareBytes(cursor.head.key, winner.key) === 0)
          cursor.head = next(cursor.source);
      }
      if (winner.value === undefined) continue;
      count++;
      yield { key: winner.key, value: winner.value };
    }
  } finally {
    for (const cursor of cursors) cursor.source.return?.();
  }
}

function next(source: Iterator<Mutation>): Mutation | undefined {
  const step = source.next();
  return step.done === true ? undefined : step.value;
}

function nearest(cursors: readonly Cursor[], reverse: boolean): Mutation | undefined {
  let best: Mutation | undefined;
  for (const { head } of cursors) {
    if (head === undefined) continue;
    const order = best === undefined ? -1 : compareBytes(head.key, best.key);
    if (reverse ? order > 0 || best === undefined : order < 0) best = head;
  }
  return best;
}
