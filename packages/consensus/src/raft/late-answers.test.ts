/** What arrives late must not be taken for what was asked for. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { logIndex, seededRandom } from "@holdfast/base";
import { command } from "../../test-support/entries.ts";
import { RaftBench } from "../../test-support/raft-bench.ts";
import {
  accepted,
  appendEntries,
  heartbeat,
  preVoteReply,
  readIndexReply,
  voteReply,
} from "../../test-support/raft-message.ts";
import { replicaId } from "../contract/replica-id.ts";
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

test("late answer: entries fetched in an earlier leadership are not sent when the log is another by now", () => {
  const bench = new RaftBench({ log: [1, 1], limits: { windowBytesMax: 0 } }).lead();
  bench.settle();
  bench.step(accepted(2, 3));
  assert.equal(bench.applied.length, 3);
  // 1. It has entry 4 of its ballot, not committed, and reads from 3 on for replica 3.
  bench.core.propose(new Uint8Array(1));
  bench.settle();
  const stale = {
    kind: "entries",
    to: replicaId(3),
    previous: { index: logIndex(2), ballot: command(2, 1).ballot },
    entries: [{ ...command(3, 2), kind: "empty" }, command(4, 2, "replaced")],
  } as const;
  // 2. Another leader replaces entry 4. 3. This replica leads again, and reads for replica 3 again.
  bench.step(appendEntries(3, { previous: [3, 2], entries: [command(4, 3)] }));
  bench.settle();
  bench.core.campaign();
  bench.pump();
  bench.step(preVoteReply(4, true));
  bench.settle();
  bench.step(voteReply(4, true));
  bench.settle();
  bench.step({ ...accepted(4, 2, { from: 3 }) });
  assert.deepEqual(bench.fetches.at(-1)?.from, 3);
  // 4. What was read in step 1 arrives.
  bench.core.provide(stale);
  const sent = bench.pump().filter(({ kind }) => kind === "AppendEntries");
  for (const message of sent)
    if (message.kind === "AppendEntries")
      assert.ok(!message.entries.some(({ index, ballot }) => index === 4 && ballot === 2));
});
