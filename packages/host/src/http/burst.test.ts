import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Clock } from "@holdfast/ports";
import { realClock } from "../clock.ts";
import { Burst } from "./burst.ts";

suite("burst", () => {
  test("what comes before its turn is handed on in one go and in order, what comes meanwhile in the next", () => {
    const turns: (() => void)[] = [];
    const clock: Clock = { ...realClock, soon: (action) => void turns.push(action) };
    const seen: string[] = [];
    const burst = new Burst<string>(clock, (item) => {
      seen.push(item);
      if (item === "b") burst.add("d");
    });
    for (const item of ["a", "b", "c"]) burst.add(item);
    assert.deepEqual(seen, []);
    assert.equal(turns.length, 1);
    turns.shift()?.();
    assert.deepEqual(seen, ["a", "b", "c"]);
    assert.equal(turns.length, 1);
    turns.shift()?.();
    assert.deepEqual(seen, ["a", "b", "c", "d"]);
    assert.equal(turns.length, 0);
  });
});
