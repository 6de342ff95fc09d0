import assert from "node:assert/strict";
import { test } from "node:test";
import { ballot, logIndex } from "@holdfast/base";
import type { Entry } from "@holdfast/consensus";
import { entryBytes } from "@holdfast/consensus";
import { UnappliedBytes } from "./unapplied-bytes.ts";

function entry(index: number): Entry {
  return { index: logIndex(index), ballot: ballot(1), kind: "command", payload: new Uint8Array(10) };
}

const each = entryBytes(entry(1));

test("unapplied bytes: entries count from their write until they are applied", () => {
  const unapplied = new UnappliedBytes();
  unapplied.onWrite([entry(1), entry(2)]);
  unapplied.onWrite([entry(3)]);
  assert.equal(unapplied.bytes, 3 * each);
  unapplied.onApplied(logIndex(2));
  assert.equal(unapplied.bytes, each);
  unapplied.onApplied(logIndex(3));
  assert.equal(unapplied.bytes, 0);
});

test("unapplied bytes: entries that are written again count once", () => {
  const unapplied = new UnappliedBytes();
  unapplied.onWrite([entry(1)]);
  unapplied.onWrite([entry(2)]);
  unapplied.onWrite([entry(3)]);
  unapplied.onWrite([entry(2)]);
  assert.equal(unapplied.bytes, 2 * each);
});
