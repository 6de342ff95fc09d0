import assert from "node:assert/strict";
import { test } from "node:test";
import { DeathWatch } from "./death-watch.ts";

test("death watch: what died before a look may go when the grace has passed since that look, and not before (S6)", () => {
  const watch = new DeathWatch(1000);
  assert.equal(watch.pastGrace(0), undefined);
  watch.look(0, 500);
  assert.equal(watch.pastGrace(999), undefined);
  assert.equal(watch.pastGrace(1000), 500);
  watch.look(1500, 700);
  assert.equal(watch.pastGrace(2499), 500);
  assert.equal(watch.pastGrace(2500), 700);
});

test("death watch: cluster time that leaps ahead lets nothing go early", () => {
  const watch = new DeathWatch(1000);
  watch.look(0, 500);
  watch.look(100, 10_000_000);
  assert.equal(watch.pastGrace(1099), 500);
  assert.equal(watch.pastGrace(1100), 10_000_000);
});

test("death watch: many looks leave few marks, and the time that has passed is noticed all the same", () => {
  const watch = new DeathWatch(1000);
  for (let now = 0; now < 100_000; now++) {
    watch.look(now, now);
    const past = watch.pastGrace(now);
    if (now < 1000) assert.equal(past, undefined);
    else {
      assert.ok(past !== undefined && past <= now - 1000, `${past} at ${now}`);
      assert.ok(past >= now - 1000 - 64, `${past} at ${now}`);
    }
  }
});
