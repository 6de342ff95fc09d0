/** `ready` looks again whenever something has happened, and only then. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftBench } from "../../test-support/raft-bench.ts";
import { accepted } from "../../test-support/raft-message.ts";
import { replicaId } from "../contract/replica-id.ts";

/** A leader of ballot 1 that has sent entry 2 to replica 2, which has acknowledged entry 1. */
function streaming(): RaftBench {
  const bench = new RaftBench().lead();
  bench.settle();
  bench.step(accepted(1, 1));
  bench.core.propose(new Uint8Array(1));
  bench.settle();
  return bench;
}

test("quiet: a leader whose entries are all on their way has nothing to do", () => {
  assert.equal(streaming().core.ready(), undefined);
});

test("quiet: an unreachable follower is sent to again without anything else happening", () => {
  const bench = streaming();
  bench.core.reportUnreachable(replicaId(2));
  assert.deepEqual(
    bench.pump().map(({ kind, to }) => [kind, to]),
    [["AppendEntries", 2]],
  );
});
