import assert from "node:assert/strict";
import { test } from "node:test";
import { forEachParallel } from "./limiter.ts";

test("parallel: never more at once than asked for, and no item is pulled ahead of its turn", async () => {
  let running = 0;
  let most = 0;
  let pulled = 0;
  let finished = 0;
  async function* items(): AsyncGenerator<number> {
    for (let i = 0; i < 100; i++) {
      pulled++;
      assert.ok(pulled - finished <= 4 + 1, "pulled ahead");
      yield i;
    }
  }
  const seen: number[] = [];
  await forEachParallel(items(), 4, async (item) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(item);
    running--;
    finished++;
  });
  assert.equal(most, 4);
  assert.equal(seen.length, 100);
});

test("parallel: the first failure ends it after those under way", async () => {
  let started = 0;
  let ended = 0;
  async function* items(): AsyncGenerator<number> {
    for (let i = 0; i < 100; i++) yield i;
  }
  const run = forEachParallel(items(), 3, async (item) => {
    started++;
    await new Promise((resolve) => setImmediate(resolve));
    ended++;
    if (item === 5) throw new Error("five");
  });
  await assert.rejects(run, /five/);
  assert.equal(started, ended);
  assert.ok(started < 15);
});
