import assert from "node:assert/strict";
import { test } from "node:test";
import { progressText, Rate, remainingMs } from "./progress.ts";

test("progress: the rate is that of the last ten seconds", () => {
  const rate = new Rate();
  assert.equal(rate.bytesPerSecond(), undefined);
  for (let second = 0; second <= 30; second++)
    rate.sample(second * 1000, second <= 15 ? second * 1000 : 15_000 + (second - 15) * 10);
  assert.ok(Math.abs((rate.bytesPerSecond() ?? 0) - 10) < 0.001);
});

test("progress: a stall becomes a rate of zero, and no remaining time", () => {
  const rate = new Rate();
  for (let second = 0; second <= 20; second++) rate.sample(second * 1000, 500);
  assert.equal(rate.bytesPerSecond(), 0);
  assert.equal(remainingMs(500, 1000, rate.bytesPerSecond()), undefined);
});

test("progress: the remaining time is what is left over the rate, never negative", () => {
  assert.equal(remainingMs(250, 1000, 250), 3000);
  assert.equal(remainingMs(2000, 1000, 250), 0);
  assert.equal(remainingMs(0, 1000, undefined), undefined);
});

test("progress: totals are shown as they are counted, the remaining time once they are known", () => {
  const done = { files: 1, bytes: 1024 };
  assert.equal(progressText({ ...done, totals: undefined }, undefined), "1 file  1.0 KiB");
  const counted = { files: 4, bytes: 4096 };
  const early = progressText({ ...done, totals: { ...counted, isComplete: false } }, 1024);
  assert.equal(early, "1 of 4+ files  1.0 KiB of 4.0 KiB+  1.0 KiB/s");
  const text = progressText({ ...done, totals: { ...counted, isComplete: true } }, 1024);
  assert.equal(text, "1 of 4 files  1.0 KiB of 4.0 KiB  1.0 KiB/s  0:03 left");
});
