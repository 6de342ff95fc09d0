import assert from "node:assert/strict";
import { test } from "node:test";
import { ballot, seededRandom, uniform } from "@holdfast/base";
import { replicaId } from "../contract/replica-id.ts";
import { nextBallot, proposerOf } from "./ballots.ts";

test("ballots: the next one is above, belongs to its replica, and is the first of it there", () => {
  const random = seededRandom(1);
  for (let i = 0; i < 2_000; i++) {
    const above = ballot(uniform(random, 9) * 1_000_000 + uniform(random, 5));
    const id = replicaId(1 + uniform(random, 5));
    const next = nextBallot(above, id);
    assert.ok(next > above);
    assert.equal(proposerOf(next), id);
    assert.ok(next - 1_000_000 - id <= above, "a round is skipped at the most");
  }
});

test("ballots: no two replicas have one in common", () => {
  const seen = new Map<number, number>();
  for (let id = 1; id <= 9; id++)
    for (let round = 0, above = ballot(0); round < 20; round++) {
      above = nextBallot(above, replicaId(id));
      assert.equal(seen.get(above) ?? id, id);
      seen.set(above, id);
    }
});

test("ballots: they say in decimal digits whose they are, and in which round", () => {
  assert.equal(nextBallot(ballot(2_000_007), replicaId(2)), 3_000_002);
});
