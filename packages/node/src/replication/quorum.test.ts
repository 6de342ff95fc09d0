import assert from "node:assert/strict";
import { test } from "node:test";
import { epoch, nodeId } from "@holdfast/base";
import type { BlockSlots } from "./placement.ts";
import { nodesOf } from "./placement.ts";
import { isStored, quorumOf } from "./quorum.ts";

function layout(slots: string, next?: string): BlockSlots {
  return {
    epoch: epoch(1),
    slots: Array.from(slots, nodeId),
    next: next === undefined ? undefined : Array.from(next, nodeId),
  };
}

function stored(slots: BlockSlots, width: number, holders: string): boolean {
  return isStored(slots, width, (node) => holders.includes(node));
}

test("quorum: 1 + ceil((n - 1) / 2), so that n - q lost slots lose nothing and n - q may be down (S2)", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map(quorumOf), [1, 2, 2, 3, 3, 4, 4]);
});

test("quorum: any quorum meets any n - q + 1 slots, which is what a backfill lists (S3)", () => {
  for (let width = 1; width <= 9; width++) assert.ok(quorumOf(width) + (width - quorumOf(width) + 1) > width);
});

test("quorum: stable needs a quorum of the slots, each node once", () => {
  assert.equal(stored(layout("abc"), 3, "a"), false);
  assert.equal(stored(layout("abc"), 3, "ac"), true);
  assert.equal(stored(layout("abc"), 3, "ax"), false);
  assert.equal(stored(layout("aab"), 3, "a"), false);
  assert.equal(stored(layout("a"), 3, "a"), false, "too few slots are no smaller width");
});

test("quorum: joint needs a quorum of the old slots and one of the new (S3)", () => {
  assert.equal(stored(layout("abc", "def"), 3, "abc"), false);
  assert.equal(stored(layout("abc", "def"), 3, "abcf"), false);
  assert.equal(stored(layout("abc", "def"), 3, "abef"), true);
  assert.equal(stored(layout("abc", "def"), 3, "adef"), false);
  assert.equal(stored(layout("abc", "abd"), 3, "bc"), false);
  assert.equal(stored(layout("abc", "abd"), 3, "ab"), true);
  assert.equal(stored(layout("abc", "dde"), 3, "abd"), false, "a node counts once among the new, too");
  assert.equal(stored(layout("a", "b"), 1, "a"), false);
  assert.equal(stored(layout("a", "b"), 1, "ab"), true);
});

test("quorum: what is stored in joint survives the loss of n - q new slots, the old ones being gone (S3)", () => {
  const joint = layout("abcde", "cdefg");
  for (let held = 0; held < 1 << 7; held++) {
    const holders = Array.from("abcdefg").filter((_, i) => (held >> i) % 2 === 1);
    if (!stored(joint, 5, holders.join(""))) continue;
    const left = holders.filter((node) => "cdefg".includes(node)).slice(5 - quorumOf(5));
    assert.ok(left.length > 0, `held by ${holders.join("")}`);
  }
});

test("placement: a joint layout's nodes are the old ones and the new ones, each once", () => {
  assert.deepEqual(nodesOf(layout("abc", "bcd")), ["a", "b", "c", "d"]);
  assert.deepEqual(nodesOf(layout("ab")), ["a", "b"]);
});
