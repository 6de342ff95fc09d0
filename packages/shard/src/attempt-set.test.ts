import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { attempt, decode, encode, seededRandom, uniform } from "@holdfast/base";
import type { AttemptSet } from "./attempt-set.ts";
import {
  addAttempt,
  attemptSetCodec,
  countAttempts,
  hasAttempt,
  intersectAttempts,
  normalizeRanges,
  subtractAttempts,
} from "./attempt-set.ts";
import type { AttemptRange } from "./command.ts";

function range(first: number, last: number): AttemptRange {
  return { first: attempt(first), last: attempt(last) };
}

function numbers(set: readonly AttemptRange[]): readonly number[] {
  const all = set.flatMap(({ first, last }) =>
    Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i),
  );
  return [...new Set(all)].sort((a, b) => a - b);
}

function ofNumbers(wanted: Iterable<number>): AttemptSet {
  return normalizeRanges([...wanted].map((number) => range(number, number)));
}

describe("sets of attempts", () => {
  it("do what sets of numbers do", () => {
    const random = seededRandom(7);
    const ranges = (): AttemptRange[] =>
      Array.from({ length: uniform(random, 6) }, () => {
        const first = uniform(random, 40);
        return range(first, first + uniform(random, 8) - 1);
      });
    for (let round = 0; round < 2_000; round++) {
      const [inA, inB] = [ranges(), ranges()];
      const [a, b] = [normalizeRanges(inA), normalizeRanges(inB)];
      assert.deepEqual(numbers(a), numbers(inA));
      assert.deepEqual(ofNumbers(numbers(inA)), a, "one normal form");
      const inBoth = numbers(inA).filter((number) => numbers(inB).includes(number));
      assert.deepEqual(intersectAttempts(a, b), ofNumbers(inBoth));
      const inAOnly = numbers(inA).filter((number) => !numbers(inB).includes(number));
      assert.deepEqual(subtractAttempts(a, b), ofNumbers(inAOnly));
      const number = attempt(uniform(random, 50));
      assert.equal(hasAttempt(a, number), numbers(inA).includes(number));
      assert.deepEqual(addAttempt(a, number), ofNumbers([...numbers(inA), number]));
      assert.equal(countAttempts(a), numbers(inA).length);
      assert.deepEqual(decode(attemptSetCodec, encode(attemptSetCodec, a)), a);
    }
  });
});
