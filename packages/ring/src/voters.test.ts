import assert from "node:assert/strict";
import { test } from "node:test";
import { shardId } from "@holdfast/base";
import * as fc from "fast-check";
import { anyMembers, completed, layoutOf, member, members } from "../test-support/clusters.ts";
import { createLayout, nextLayout } from "./change-layout.ts";
import type { Layout } from "./layout.ts";
import type { Member } from "./member.ts";
import { leaderWish, voterCountFor, voterWish } from "./voters.ts";

function layoutWith(all: readonly Member[], shardCount: number): Layout {
  return layoutOf(createLayout({ partitionBits: 4, shardCount, members: all, widths: [1] }));
}

function wishes(layout: Layout, shardCount: number): readonly (readonly string[])[] {
  return Array.from({ length: shardCount }, (_, shard) => voterWish(layout, shardId(shard)));
}

function tally(names: readonly string[]): readonly number[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts.values()];
}

test("one voter below three nodes, three from three, five from five: never an even number", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 100].map(voterCountFor), [1, 1, 3, 3, 5, 5, 5]);
});

test("voters are different nodes, spread over zones, evenly whatever their weights; leaders too", () => {
  fc.assert(
    fc.property(anyMembers({ min: 1, max: 12 }), fc.integer({ min: 1, max: 64 }), (all, shardCount) => {
      const layout = layoutWith(all, shardCount);
      const voters = wishes(layout, shardCount);
      const zoneOf = new Map<string, string>(all.map(({ id, zone }) => [id, zone]));
      const zoneCount = new Set(zoneOf.values()).size;
      for (const [shard, row] of voters.entries()) {
        assert.equal(new Set(row).size, voterCountFor(all.length));
        assert.equal(new Set(row.map((id) => zoneOf.get(id))).size, Math.min(zoneCount, row.length));
        assert.equal(leaderWish(layout, shardId(shard)), row[0]);
      }
      const leaders = tally(voters.map((row) => row[0] ?? ""));
      const most = Math.max(...leaders);
      // As even as can be when zones do not bind the voters.
      if (zoneCount === 1) assert.equal(most, Math.ceil(shardCount / Math.min(all.length, shardCount)));
    }),
    { numRuns: 60 },
  );
});

test("in a cluster of equals, every node votes and leads as often as any other, give or take one", () => {
  const all = members("aX bY cZ dX eY fZ", [1, 4, 2, 3, 1, 1]);
  const layout = layoutWith(all, 64);
  const voters = wishes(layout, 64);
  for (const counts of [tally(voters.flat()), tally(voters.map((row) => row[0] ?? ""))]) {
    assert.equal(counts.length, 6);
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, String(counts));
  }
});

test("a change of nodes changes as few wishes as balance asks for", () => {
  const all = members("aX bY cZ dX eY fZ");
  const before = layoutWith(all, 60);
  const after = layoutOf(nextLayout(before, [...all, member("g", "X")]));
  const changed = wishes(after, 60).map(
    (row, shard) => row.filter((id) => !wishes(before, 60)[shard]?.includes(id)).length,
  );
  const moved = changed.reduce((a, b) => a + b, 0);
  assert.ok(moved <= Math.ceil((60 * 5) / 7) + 5, `${moved} of 300`);
});

test("from three nodes to five, the voters that there are stay", () => {
  const before = layoutWith(members("aX bY cZ"), 16);
  const after = layoutOf(nextLayout(before, members("aX bY cZ dX eY")));
  for (const row of wishes(after, 16)) assert.deepEqual(new Set(row), new Set(["a", "b", "c", "d", "e"]));
  assert.deepEqual(
    wishes(layoutOf(nextLayout(completed(after), members("bY cZ dX eY"))), 16).map((row) => row.length),
    Array.from({ length: 16 }, () => 3),
  );
});

test("a draining node is not wished for", () => {
  const all = members("aX bY cZ dX");
  const before = layoutWith(all, 16);
  const after = layoutOf(
    nextLayout(
      before,
      all.map((one) => ({ ...one, draining: one.id === "d" })),
    ),
  );
  assert.ok(wishes(after, 16).every((row) => !row.includes("d")));
});
