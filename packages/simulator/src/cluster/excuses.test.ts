import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "@holdfast/base";
import { Excuses } from "./excuses.ts";

const unavailable = new StoreError("Unavailable", "");
const trouble = { hit: new Set([1]), quorumLost: false, codes: [], strikesLater: false };

function excusesAt(nowMs: number): { readonly excuses: Excuses; readonly clock: { nowMs: number } } {
  const clock = { nowMs };
  return { excuses: new Excuses(() => clock.nowMs), clock };
}

test("excuses: without any trouble nothing is excused", () => {
  assert.equal(excusesAt(0).excuses.tolerates(unavailable, 1, 0), false);
});

test("excuses: a node that is hit may refuse as long as it lasts, and 20 s longer", () => {
  const { excuses, clock } = excusesAt(1000);
  const over = excuses.begin(trouble);
  assert.equal(excuses.tolerates(unavailable, 1, 500_000), true);
  clock.nowMs = 600_000;
  over();
  assert.equal(excuses.tolerates(unavailable, 1, 620_000), true);
  assert.equal(excuses.tolerates(unavailable, 1, 620_001), false);
});

test("excuses: the others may refuse what began within 10 s of the beginning or of the end, and nothing else", () => {
  const { excuses, clock } = excusesAt(1000);
  const over = excuses.begin(trouble);
  assert.equal(excuses.tolerates(unavailable, 0, 11_000), true);
  assert.equal(excuses.tolerates(unavailable, 0, 11_001), false);
  clock.nowMs = 600_000;
  over();
  assert.equal(excuses.tolerates(unavailable, 0, 610_000), true);
  assert.equal(excuses.tolerates(unavailable, 0, 610_001), false);
});

test("excuses: a node that is removed may refuse, as long as it is not said to stay, and nobody else", () => {
  const { excuses } = excusesAt(0);
  const stays = excuses.leaves(1);
  assert.equal(excuses.tolerates(unavailable, 1, 0), true);
  assert.equal(excuses.tolerates(new StoreError("Internal", ""), 1, 0), false);
  assert.equal(excuses.tolerates(unavailable, 0, 0), false);
  stays();
  assert.equal(excuses.tolerates(unavailable, 1, 0), false);
});

test("excuses: without a quorum any node may refuse, but never with a code that says something is wrong", () => {
  const { excuses } = excusesAt(0);
  excuses.begin({ ...trouble, quorumLost: true });
  assert.equal(excuses.tolerates(unavailable, 0, 100_000), true);
  assert.equal(excuses.tolerates(new StoreError("DataCorrupt", ""), 0, 1), false);
  assert.equal(excuses.tolerates(new StoreError("Internal", ""), 1, 1), false);
});

test("excuses: of what strikes later the others may refuse what began within 10 s of the first refusal", () => {
  const { excuses, clock } = excusesAt(0);
  excuses.begin({ ...trouble, strikesLater: true });
  clock.nowMs = 30_000;
  assert.equal(excuses.tolerates(unavailable, 0, 29_000), true);
  assert.equal(excuses.tolerates(unavailable, 0, 40_000), true);
  assert.equal(excuses.tolerates(unavailable, 0, 40_001), false);
});
