import assert from "node:assert/strict";
import { test } from "node:test";
import { electionTimeoutTicks, endure, partialPartitions } from "./partial-partitions.ts";
import { multiPaxos, raft } from "./protocol.ts";

const seeds = Array.from({ length: 200 }, (_, i) => i + 1);

for (const partition of partialPartitions)
  for (const votersCount of [3, 5])
    test(`partial partition: multipaxos with ${votersCount} voters serves within two election timeouts: ${partition}`, () => {
      for (const seed of seeds) {
        const { ticksToServe, leaderChanges } = endure({
          protocol: multiPaxos,
          partition,
          votersCount,
          seed,
        });
        // The paper gives four.
        assert.ok(
          ticksToServe !== undefined && ticksToServe <= 2 * electionTimeoutTicks,
          `seed ${seed}: ${ticksToServe} ticks`,
        );
        assert.ok(
          leaderChanges <= (partition === "chained" ? 0 : 1),
          `seed ${seed}: a leader, and then it stays`,
        );
      }
    });

test("partial partition: raft with five voters is never served where only one without the latest entries reaches a quorum", () => {
  for (const seed of seeds.slice(0, 5))
    assert.equal(
      endure({ protocol: raft, partition: "constrained election", votersCount: 5, seed }).ticksToServe,
      undefined,
    );
});
