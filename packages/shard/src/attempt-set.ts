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

/** One walk over both: every numbered operation comes through here. */
export function intersectAttempts(set: AttemptSet, other: AttemptSet): AttemptSet {
  const both: AttemptRange[] = [];
  let start = 0;
  for (const { first, last } of set) {
    for (let i = start; i < other.length; i++) {
      const cut = other[i];
      if (cut === undefined || cut.first > last) break;
      if (cut.last < first) start = i + 1;
      else both.push({ first: attempt(Math.max(first, cut.first)), last: attempt(Math.min(last, cut.last)) });
    }
  }
  return both;
}

/** One walk over both, as above. */
export function subtractAttempts(set: AttemptSet, other: AttemptSet): AttemptSet {
  const rest: AttemptRange[] = [];
  let start = 0;
  for (const { first, last } of set) {
    let from: number = first;
    for (let i = start; i < other.length; i++) {
      const cut = other[i];
      if (cut === undefined || cut.first > last) break;
      if (cut.last < first) start = i + 1;
      else {
        if (cut.first > from) rest.push({ first: attempt(from), last: attempt(cut.first - 1) });
        from = cut.last + 1;
      }
    }
    if (from <= last) rest.push({ first: attempt(from), last });
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
