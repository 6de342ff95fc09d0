import assert from "node:assert/strict";
import { test } from "node:test";
import { raft } from "./protocol.ts";
import { runGroupSeed } from "./run-group-seed.ts";

test("raft: groups keep their invariants under faults and come back without them, each seed twice alike", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const run = (linesMax: number): ReturnType<typeof runGroupSeed> =>
      runGroupSeed({ seed, protocol: raft, ticks: 1500, linesMax });
    const result = run(0);
    assert.equal(result.failure?.message, undefined, `seed ${seed}`);
    assert.ok(result.answers > 0, `seed ${seed} answers its clients`);
    // Lines for people change nothing.
    assert.equal(run(50).traceHash, result.traceHash, `seed ${seed}`);
  }
});
