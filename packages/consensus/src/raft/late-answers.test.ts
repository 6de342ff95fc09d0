/** What arrives late must not be taken for what was asked for. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@holdfast/base";
import { RaftBench } from "../../test-support/raft-bench.ts";
import { accepted, heartbeat, readIndexReply, rejected } from "../../test-support/raft-message.ts";
import type { RaftMessage } from "./messages.ts";

function requestOf(messages: readonly RaftMessage[]): number {
  const request = messages.find(({ kind }) => kind === "ReadIndexRequest");
  assert.ok(request?.kind === "ReadIndexRequest");
  return request.request;
}

/** A follower that asks for a read barrier; each run of a replica has other random numbers. */
function asking(seed: number): { readonly bench: RaftBench; readonly request: number } {
  const bench = new RaftBench({ log: [1], random: seededRandom(seed) });
  bench.step(heartbeat(1));
  bench.core.readIndex(7);
  return { bench, request: requestOf(bench.pump()) };
}

test("late answer: the answer to a read barrier of the run before the restart answers none of this one", () => {
  // 1. The replica asks for a barrier; the leader answers with index 1; the answer is delayed.
  // 2. The replica restarts; meanwhile entry 2 is committed and answered to its client.
  // 3. The replica asks for a barrier, for a read that has to see entry 2, and the delayed answer arrives.
  const before = asking(1);
  const after = asking(2);
  after.bench.step(readIndexReply(1, before.request, 1));
  assert.deepEqual(after.bench.reads, []);
  after.bench.step(readIndexReply(1, after.request, 2));
  assert.deepEqual(after.bench.reads, [{ context: 7, index: 2 }]);
});

test("late answer: entries are read before the window alone, where nobody replaces them meanwhile", () => {
  const bench = new RaftBench({ log: [1, 1], limits: { windowBytesMax: 0 } }).lead();
  bench.settle();
  bench.step(accepted(2, 3));
  assert.equal(bench.applied.length, 3);
  // Not committed: another leader may replace it before what is read arrives.
  bench.core.propose(new Uint8Array(1));
  bench.settle();
  bench.step(rejected(2, { from: 3, rejectedIndex: 2, hintIndex: 0, hintBallot: 0 }));
  bench.pump();
  assert.deepEqual(
    bench.fetches.map(({ to, from, through }) => [to, from, through]),
    [[3, 1, 3]],
  );
});
