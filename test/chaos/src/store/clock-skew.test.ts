import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, uniform } from "@holdfast/base";
import { describeSkew, drawDrift, drawJump, isApart, trueClock } from "./clock-skew.ts";

const turns = [...Array(400).keys()];
const random = seededRandom(7);
const draw = (count: number): number => uniform(random, count);

test("four jumps in a row are far and near, forward and back, on either side of a minute (S16)", () => {
  for (const first of [0, 1, 2, 3]) {
    const jumps = [0, 1, 2, 3].map((i) => drawJump(first + i, draw));
    const kinds = jumps.map((skew) => `${isApart(skew) ? "far" : "near"} ${Math.sign(skew.aheadMs)}`);
    assert.deepEqual(kinds.toSorted(), ["far -1", "far 1", "near -1", "near 1"]);
  }
});

test("a jump is well on its side of the limit, and never so far that signatures are refused", () => {
  for (const turn of turns) {
    const skew = drawJump(turn, draw);
    const byMs = Math.abs(skew.aheadMs);
    assert.ok(isApart(skew) ? byMs >= 75_000 : byMs <= 50_000, `${byMs} ms`);
    assert.ok(byMs <= 5 * 60_000 && skew.rate === 1);
  }
});

test("a drift leaves the wall clock alone, and is less than the tenth that leases allow for", () => {
  const rates = turns.map((turn) => drawDrift(turn, draw));
  for (const { aheadMs, rate } of rates) {
    assert.equal(aheadMs, 0);
    assert.ok(Math.max(rate, 1 / rate) < 1.1 && rate !== 1, `${rate}`);
  }
  assert.ok(rates.some(({ rate }) => rate > 1) && rates.some(({ rate }) => rate < 1));
});

test("a skew is described by what is wrong", () => {
  assert.equal(describeSkew({ aheadMs: -90_000, rate: 1 }), "90000 ms behind");
  assert.equal(describeSkew({ aheadMs: 0, rate: 1.04 }), "counts 1.04 ms in one");
  assert.equal(describeSkew(trueClock), "right");
});
