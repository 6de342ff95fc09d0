/** How a Multi-Paxos leader comes into office, and how its followers learn of it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { MultiPaxosBench } from "../../../test-support/multipaxos-bench.ts";
import { ballotOf, promise } from "../../../test-support/multipaxos-message.ts";

test("a new leader says at once whom to follow", () => {
  const bench = new MultiPaxosBench();
  bench.stand(2);
  const said = bench.step(promise(ballotOf(1, 1)));
  assert.deepEqual(
    said.map(({ kind, to }) => `${kind} ${to}`),
    ["Heartbeat 2", "Heartbeat 3"],
  );
});

test("a new leader streams nothing to a voter that has not answered: it asks where that one stands", () => {
  const log = [ballotOf(1, 2), ballotOf(1, 2)];
  const bench = new MultiPaxosBench({ log, chosenIndex: 2 });
  bench.stand(2);
  bench.step(promise(ballotOf(2, 1), { commitIndex: 2 }));
  const modes = bench.core.followers().map(({ id, mode, nextIndex }) => [id, mode, nextIndex]);
  assert.deepEqual(modes, [
    [2, "replicate", 3],
    [3, "probe", 3],
  ]);
});
