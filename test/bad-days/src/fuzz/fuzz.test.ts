/** A short run of the fuzzer. What longer runs found has its tests beside the code that was wrong. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzTargets, runFuzz } from "./run-fuzz.ts";

test("whatever comes in over query, documents, chunks and heads is answered, and what is refused changes nothing", async () => {
  const outcome = await runFuzz({ targets: Object.keys(fuzzTargets), seed: 1, count: 400, seconds: 20 });
  assert.equal(outcome.finding, undefined);
});
