import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { anyMembers, member, members } from "../test-support/clusters.ts";
import type { Member } from "./member.ts";
import { sortedMembers } from "./member.ts";
import { zoneRuleOf } from "./placement.ts";
import { idealShares, sharesOf } from "./shares.ts";

function exactShares(nodes: readonly Member[], width: number, partitionCount: number): readonly number[] {
  const nobodyHolds = new Uint32Array(nodes.length);
  return [...sharesOf(nodes, zoneRuleOf(nodes, width), partitionCount, nobodyHolds).exact];
}

test("shares are in proportion to weight", () => {
  assert.deepEqual(exactShares(members("az bz cz dz", [1, 2, 3, 4]), 1, 100), [10, 20, 30, 40]);
});

test("a node holds at most one slot of each partition; what it cannot take, the others share by weight", () => {
  assert.deepEqual(exactShares(members("az bz cz dz", [100, 1, 1, 2]), 2, 100), [100, 25, 25, 50]);
});

test("a zone takes what the zone rule gives it, whatever its weight", () => {
  // Two zones, two slots: one slot of each partition in each zone.
  assert.deepEqual(exactShares(members("aX bY cY", [1, 1, 3]), 2, 100), [100, 25, 75]);
  // Three zones, four slots: Z has at least one slot of each partition, though it weighs little.
  assert.deepEqual(exactShares(members("aX bX cY dY eZ", [4, 4, 4, 4, 1]), 4, 100), [75, 75, 75, 75, 100]);
});

test("no way to round makes the fullest node less full; nobody gets less than his share rounded down", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 12 }),
      (weights, partitionCount) => {
        const nodes = weights.map((weight, i) => member(`n${i}`, "z", weight));
        const shares = exactShares(nodes, 1, partitionCount);
        const fullness = (slots: readonly number[]): number =>
          Math.max(...slots.map((count, i) => count / (weights[i] ?? 1)));
        const best = Math.min(...compositions(partitionCount, weights.length).map(fullness));
        assert.equal(fullness(shares), best);
        const total = weights.reduce((a, b) => a + b, 0);
        for (const [i, count] of shares.entries())
          assert.ok(count >= Math.floor((partitionCount * (weights[i] ?? 0)) / total));
      },
    ),
  );
});

/** All ways to give so many slots to so many nodes. */
function compositions(total: number, parts: number): readonly (readonly number[])[] {
  if (parts === 1) return [[total]];
  return Array.from({ length: total + 1 }, (_, first) =>
    compositions(total - first, parts - 1).map((rest) => [first, ...rest]),
  ).flat();
}

test("the shares are all slots, within 5 % of the ideal or the nearest whole slot, and who holds more keeps it", () => {
  fc.assert(
    fc.property(
      anyMembers({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 300 }),
      (unsorted, width, partitionCount) => {
        fc.pre(unsorted.length >= width);
        const nodes = sortedMembers(unsorted);
        const rule = zoneRuleOf(nodes, width);
        const { exact, low, high } = sharesOf(nodes, rule, partitionCount, new Uint32Array(nodes.length));
        assert.equal(
          exact.reduce((a, b) => a + b, 0),
          width * partitionCount,
        );
        for (const [node, ideal] of idealShares(nodes, rule, partitionCount).entries()) {
          const [share, least, most] = [exact[node] ?? 0, low[node] ?? 0, high[node] ?? 0];
          assert.ok(share <= partitionCount && least <= share && share <= most);
          assert.ok(least === share || least >= 0.95 * ideal - 1e-9);
          assert.ok(most === share || most <= 1.05 * ideal + 1e-9);
          assert.ok(share >= Math.floor(ideal - 0.01), `${share} of ${ideal}`);
        }
        assert.deepEqual(sharesOf(nodes, rule, partitionCount, exact).exact, exact);
      },
    ),
    { numRuns: 60 },
  );
});

test("when a node joins a zone, nobody's share grows", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 3, maxLength: 20 }),
      fc.integer({ min: 1, max: 50 }),
      (weights, weight) => {
        const nodes = weights.map((other, i) => member(`n${10 + i}`, "z", other));
        const before = exactShares(nodes, 3, 128);
        const all = [...nodes, member("nz", "z", weight)];
        const held = Uint32Array.from([...before, 0]);
        const after = sharesOf(all, zoneRuleOf(all, 3), 128, held).exact;
        for (const [node, share] of before.entries()) assert.ok((after[node] ?? 0) <= share);
      },
    ),
    { numRuns: 60 },
  );
});
