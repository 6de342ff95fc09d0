import assert from "node:assert/strict";
import { test } from "node:test";
import type { Envelope } from "@holdfast/consensus";
import type { Protocol } from "./protocol.ts";
import { multiPaxos, raft } from "./protocol.ts";
import { runGroupSeed } from "./run-group-seed.ts";

function testSeeds<Message extends Envelope>(protocol: Protocol<Message>): void {
  test(`${protocol.name}: groups keep their invariants under faults and come back without them, each seed twice alike`, () => {
    for (let seed = 1; seed <= 8; seed++) {
      const run = (linesMax: number): ReturnType<typeof runGroupSeed> =>
        runGroupSeed({ seed, protocol, ticks: 1500, linesMax });
      const result = run(0);
      assert.equal(result.failure?.message, undefined, `seed ${seed}`);
      assert.ok(result.answers > 0, `seed ${seed} answers its clients`);
      // Lines for people change nothing.
      assert.equal(run(50).traceHash, result.traceHash, `seed ${seed}`);
    }
  });
}

testSeeds(raft);
testSeeds(multiPaxos);

/** Seeds that failed once, and why. What they decide may change with the protocol; then they are as good as any other. */
const regressions: ReadonlyMap<number, string> = new Map([
  [14, "old entries were read while a snapshot was on its way to the disk"],
  [44, "a leader that waited for a snapshot of its own to be durable did not look again"],
  [2265, "what was read for a follower was taken for what a proposer was promised"],
  [2355, "the nemesis took away whom a membership under way counted on"],
  [6016, "a client asked replicas that had left the group, again and again; so did Raft's seed 2282"],
  [6142, "slots that were learned were not known as chosen after a restart"],
  [102399, "the same"],
  [102502, "the nemesis took away the only old voter while the end of a joint membership was not chosen"],
  [108999, "the same"],
]);

test("multipaxos: seeds that failed once hold", () => {
  for (const [seed, why] of regressions) {
    const { failure } = runGroupSeed({ seed, protocol: multiPaxos, ticks: 5000, linesMax: 0 });
    assert.equal(failure?.message, undefined, `seed ${seed}: ${why}`);
  }
});
