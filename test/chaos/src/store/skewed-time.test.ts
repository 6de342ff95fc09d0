import assert from "node:assert/strict";
import { test } from "node:test";
import { trueClock } from "./clock-skew.ts";
import { SkewedTime } from "./skewed-time.ts";

test("the monotonic clock goes on at its new rate from where it was, and never back", () => {
  let nowMs = 1000;
  const time = new SkewedTime({ monotonicMs: () => nowMs, wallMs: () => 50_000 + nowMs });
  time.set({ aheadMs: 0, rate: 1.04 });
  assert.equal(time.monotonicMs(), 1000);
  nowMs += 100;
  assert.equal(time.monotonicMs(), 1104);
  time.set({ aheadMs: 0, rate: 0.96 });
  nowMs += 100;
  assert.equal(time.monotonicMs(), 1200);
  time.set({ aheadMs: 0, rate: 0.96 });
  time.set(trueClock);
  nowMs += 100;
  assert.equal(time.monotonicMs(), 1300);
});

test("the wall clock is ahead or behind at once, and right again at once", () => {
  const time = new SkewedTime({ monotonicMs: () => 7, wallMs: () => 90_000 });
  time.set({ aheadMs: -60_000, rate: 1 });
  assert.deepEqual([time.wallMs(), time.monotonicMs()], [30_000, 7]);
  time.set(trueClock);
  assert.equal(time.wallMs(), 90_000);
});
