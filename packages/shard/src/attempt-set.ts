/**
 * Sets of attempts as sorted ranges that neither touch nor overlap: a writer's attempts are numbered without gaps, so a
 * few ranges say what thousands of them became.
 */

import type { Attempt, Codec } from "@holdfast/base";
import { attempt, integer } from "@holdfast/base";
import type { AttemptRange } from "./command.ts";

export type AttemptSet = readonly AttemptRange[];

/** The last attempt a set may hold: the one behind it must still be a number. */
export const attemptMax: number = Number.MAX_SAFE_INTEGER - 1;

export function hasAttempt(set: AttemptSet, number: Attempt): boolean {
  for (const { first, last } of set) {
    if (number < first) return false;
    if (number <= last) return true;
  }
  return false;
}

export function countAttempts(set: AttemptSet): number {
  let count = 0;
  for (const { first, last } of set) count += last - first + 1;
  return count;
}

export function addAttempt(set: AttemptSet, number: Attempt): AttemptSet {
  const last = set.at(-1);
  if (last === undefined || number > last.last + 1) return [...set, { first: number, last: number }];
  if (number === last.last + 1) return [...set.slice(0, -1), { first: last.first, last: number }];
  return normalizeRanges([...set, { first: number, last: number }]);
}

/** From ranges in any order, overlapping, or without any attempt: what comes in commands. */
export function normalizeRanges(ranges: readonly AttemptRange[]): AttemptSet {
  const sorted = ranges
    .filter(({ first, last }) => first <= last && first <= attemptMax)
    .sort((a, b) => a.first - b.first);
  const set: AttemptRange[] = [];
  for (const range of sorted) {
    const last = attempt(Math.min(range.last, attemptMax));
    const before = set.at(-1);
    if (before === undefined || range.first > before.last + 1) set.push({ first: range.first, last });
    else if (last > before.last) set[set.length - 1] = { first: before.first, last };
  }
  return set;
}

/** The part of the set in `range`. */
function cut(set: AttemptSet, { first, last }: AttemptRange): AttemptSet {
  const inside: AttemptRange[] = [];
  for (const range of set) {
    const from = attempt(Math.max(range.first, first));
    const to = attempt(Math.min(range.last, last));
    if (from <= to) inside.push({ first: from, last: to });
  }
  return inside;
}

export function intersectAttempts(set: AttemptSet, other: AttemptSet): AttemptSet {
  return other.flatMap((range) => cut(set, range));
}

export function subtractAttempts(set: AttemptSet, other: AttemptSet): AttemptSet {
  let rest = set;
  for (const { first, last } of other) {
    const below = first === 0 ? [] : cut(rest, { first: attempt(0), last: attempt(first - 1) });
    rest = [...below, ...cut(rest, { first: attempt(last + 1), last: attempt(Number.MAX_SAFE_INTEGER) })];
  }
  return rest;
}

/** Each range as its distance from the end of the one before, and its length less one. */
export const attemptSetCodec: Codec<AttemptSet> = {
  write: (writer, set) => {
    writer.varint(set.length);
    let end = 0;
    for (const { first, last } of set) {
      writer.varint(first - end);
      writer.varint(last - first);
      end = last;
    }
  },
  read: (reader) => {
    const set: AttemptRange[] = [];
    const count = integer.read(reader);
    let end = 0;
    for (let i = 0; i < count; i++) {
      const first = end + reader.varint();
      end = first + reader.varint();
      set.push({ first: attempt(first), last: attempt(end) });
    }
    return set;
  },
};
