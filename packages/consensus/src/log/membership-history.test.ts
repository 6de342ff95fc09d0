import assert from "node:assert/strict";
import { test } from "node:test";
import { logIndex } from "@holdfast/base";
import { membership } from "../../test-support/entries.ts";
import { MembershipHistory } from "./membership-history.ts";

function history(): MembershipHistory {
  const memberships = new MembershipHistory(logIndex(3), membership([1]));
  memberships.append(logIndex(5), membership([1, 2, 3]));
  memberships.append(logIndex(9), membership([2, 3, 4]));
  return memberships;
}

test("membership history: the last one in the log counts", () => {
  assert.deepEqual([history().latest, history().latestIndex], [membership([2, 3, 4]), 9]);
});

test("membership history: a cut falls back on the last one before it", () => {
  const memberships = history();
  assert.equal(memberships.truncate(logIndex(10)), false);
  assert.equal(memberships.truncate(logIndex(9)), true);
  assert.deepEqual([memberships.latest, memberships.latestIndex], [membership([1, 2, 3]), 5]);
  assert.equal(memberships.truncate(logIndex(4)), true);
  assert.deepEqual(memberships.latest, membership([1]));
});

test("membership history: the one that is applied is kept to fall back on", () => {
  const memberships = history();
  memberships.compact(logIndex(6));
  memberships.truncate(logIndex(7));
  assert.deepEqual(memberships.latest, membership([1, 2, 3]));
});

test("membership history: a snapshot replaces all", () => {
  const memberships = history();
  memberships.reset(logIndex(20), membership([7]));
  assert.deepEqual([memberships.latest, memberships.latestIndex], [membership([7]), 20]);
});
