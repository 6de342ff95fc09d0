import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "@holdfast/base";
import { ballot, logIndex, StoreError } from "@holdfast/base";
import type { Proposed, Refusal } from "@holdfast/consensus";
import { Budget } from "./budget.ts";
import { Proposals } from "./proposals.ts";

const limits = { proposeWaitMs: 100, proposeBytesMax: 100, commitWaitMs: 1000 };
const command = new Uint8Array(10);

function proposals(): Proposals<string> {
  return new Proposals(limits, () => new StoreError("Unavailable", "not here"));
}

function budget(items: number = 10): Budget {
  return new Budget({ items, bytes: 1000 });
}

/** A leader that takes everything, from this index on. */
function takesFrom(first: number, inBallot: number = 1): () => Proposed {
  let next = first;
  return () => ({ kind: "proposed", index: logIndex(next++), ballot: ballot(inBallot) });
}

async function outcomeOf(promise: Promise<unknown>): Promise<Outcome> {
  try {
    await promise;
    return "applied";
  } catch (error) {
    assert.ok(error instanceof StoreError);
    return error.outcome;
  }
}

test("proposals: each ends by the ballot of the entry that stands at its index", async () => {
  const all = proposals();
  const outcomes = [all.add(command, 0), all.add(command, 0)].map(outcomeOf);
  assert.equal(all.offer(takesFrom(5), budget(), 0), false);
  all.onApplied(logIndex(5), ballot(1), { result: "done" });
  all.onApplied(logIndex(6), ballot(2), { result: "another's" });
  assert.deepEqual(await Promise.all(outcomes), ["applied", "not-applied"]);
  assert.ok(all.isEmpty);
});

test("proposals: an empty entry in their place ends them as not applied", async () => {
  const all = proposals();
  const outcome = outcomeOf(all.add(command, 0));
  all.offer(takesFrom(5), budget(), 0);
  all.onApplied(logIndex(5), ballot(1), undefined);
  assert.equal(await outcome, "not-applied");
});

test("proposals: what a snapshot passes over ends as unknown", async () => {
  const all = proposals();
  const outcomes = [all.add(command, 0), all.add(command, 0)].map(outcomeOf);
  all.offer(takesFrom(5), budget(), 0);
  all.onReplaced(logIndex(5));
  all.onApplied(logIndex(6), ballot(1), { result: "done" });
  assert.deepEqual(await Promise.all(outcomes), ["unknown", "applied"]);
});

test("proposals: a refusal for now keeps their order, and they end as overloaded when it lasts", async () => {
  const refusals: readonly Refusal[] = [
    { kind: "overloaded" },
    { kind: "change-in-progress" },
    { kind: "transferring", to: 2 as never },
  ];
  for (const refusal of refusals) {
    const all = proposals();
    const first = outcomeOf(all.add(command, 0));
    const second = all.add(command, 60);
    assert.equal(
      all.offer(() => refusal, budget(), 0),
      false,
    );
    all.expire(100);
    assert.equal(await first, "not-applied");
    all.offer(takesFrom(1), budget(), 100);
    all.onApplied(logIndex(1), ballot(1), { result: "second" });
    assert.deepEqual(await second, { index: 1, result: "second" });
  }
});

test("proposals: a budget that is spent leaves the rest for the next turn", async () => {
  const all = proposals();
  const outcomes = [1, 2, 3].map(() => outcomeOf(all.add(command, 0)));
  const take = takesFrom(1);
  assert.equal(all.offer(take, budget(2), 0), true);
  assert.equal(all.offer(take, budget(2), 0), false);
  for (const index of [1, 2, 3]) all.onApplied(logIndex(index), ballot(1), { result: "done" });
  assert.deepEqual(await Promise.all(outcomes), ["applied", "applied", "applied"]);
});

test("proposals: their queue is bounded in bytes, and has room again when they are proposed", async () => {
  const all = proposals();
  const outcomes = Array.from({ length: 11 }, () => outcomeOf(all.add(command, 0)));
  assert.equal(await outcomes[10], "not-applied");
  all.offer(takesFrom(1), budget(100), 0);
  const next = outcomeOf(all.add(command, 0));
  all.end(new StoreError("Stopped", "closed"));
  assert.equal(await next, "not-applied");
  assert.equal(await outcomes[0], "unknown", "it was proposed");
});

test("proposals: a fate that nobody learns ends as unknown in time", async () => {
  const all = proposals();
  const outcome = outcomeOf(all.add(command, 0));
  all.offer(takesFrom(1), budget(), 0);
  all.expire(999);
  assert.equal(all.isEmpty, false);
  all.expire(1000);
  assert.equal(await outcome, "unknown");
});

test("proposals: an index that is used again ends what stood there before as unknown", async () => {
  const all = proposals();
  const first = outcomeOf(all.add(command, 0));
  all.offer(takesFrom(1, 1), budget(), 0);
  const second = outcomeOf(all.add(command, 0));
  all.offer(takesFrom(1, 3), budget(), 0);
  all.onApplied(logIndex(1), ballot(3), { result: "second" });
  assert.deepEqual(await Promise.all([first, second]), ["unknown", "applied"]);
});
