import assert from "node:assert/strict";
import { test } from "node:test";
import { apartMsMax, judgeClock } from "./clock-judgement.ts";

const hourMs = 3_600_000;

test("clock judgement: most clocks decide, this one among them", () => {
  const cases: readonly [readonly number[], string, number][] = [
    [[], "unsure", 0],
    [[0], "together", 0],
    [[20, -30], "together", 0],
    [[200, 300], "together", -200],
    // One of three is wrong: another, or this one.
    [[0, hourMs], "together", 0],
    [[5, -hourMs], "together", 0],
    [[hourMs, hourMs + 5], "apart", -hourMs],
    [[-hourMs, -hourMs - 5], "apart", hourMs],
    // Two that disagree, and two pairs that do: nobody can say who is wrong.
    [[hourMs], "unsure", 0],
    [[0, hourMs, hourMs], "unsure", 0],
    [[hourMs, hourMs, hourMs], "apart", -hourMs],
    [[0, 0, hourMs, hourMs], "together", 0],
  ];
  for (const [offsetsMs, standing, aheadMs] of cases)
    assert.deepEqual(judgeClock(offsetsMs), { standing, aheadMs }, JSON.stringify(offsetsMs));
});

test("clock judgement: a minute is still together, more is not", () => {
  for (const sign of [1, -1]) {
    const at = sign * apartMsMax;
    assert.equal(judgeClock([at, at]).standing, "together");
    assert.equal(judgeClock([at + sign, at + sign]).standing, "apart");
  }
});
