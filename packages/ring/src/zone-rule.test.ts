import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { keepsZoneRule, zoneRule } from "./zone-rule.ts";

function zonesOfSizes(sizes: readonly number[]): Uint16Array {
  return Uint16Array.from(sizes.flatMap((size, zone) => Array.from({ length: size }, () => zone)));
}

test("as many zones as slots, or more: all slots in different zones", () => {
  const rule = zoneRule(zonesOfSizes([1, 5, 2, 3]), 3);
  assert.deepEqual([...rule.least], [0, 0, 0, 0]);
  assert.deepEqual([...rule.most], [1, 1, 1, 1]);
  assert.equal(rule.extraCount, 3);
  assert.ok(keepsZoneRule(rule, [0, 1, 10]));
  assert.ok(!keepsZoneRule(rule, [1, 2, 10]));
});

test("fewer zones than slots: every zone one, none more than its part rounded up", () => {
  const rule = zoneRule(zonesOfSizes([4, 4, 4]), 4);
  assert.deepEqual([...rule.least], [1, 1, 1]);
  assert.deepEqual([...rule.most], [2, 2, 2]);
  assert.equal(rule.extraCount, 1);
  assert.ok(!keepsZoneRule(rule, [0, 1, 4, 5]), "two zones, though there are three");
});

test("a zone with too few nodes holds all of them, and the others share the rest", () => {
  const rule = zoneRule(zonesOfSizes([1, 5, 5]), 6);
  assert.deepEqual([...rule.least], [1, 2, 2]);
  assert.deepEqual([...rule.most], [1, 3, 3]);
  assert.equal(rule.extraCount, 1);
});

test("the rule is what the most even of all possible rows look like", () => {
  const cluster = fc
    .array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })
    .chain((sizes) =>
      fc.tuple(fc.constant(sizes), fc.integer({ min: 1, max: sizes.reduce((a, b) => a + b, 0) })),
    );
  fc.assert(
    fc.property(cluster, ([sizes, width]) => {
      const zoneOf = zonesOfSizes(sizes);
      const rule = zoneRule(zoneOf, width);
      const rows = subsets(zoneOf.length, width);
      const unevenness = rows.map((row) =>
        sizes.reduce((sum, _, zone) => sum + row.filter((node) => zoneOf[node] === zone).length ** 2, 0),
      );
      const best = Math.min(...unevenness);
      for (const [i, row] of rows.entries()) assert.equal(keepsZoneRule(rule, row), unevenness[i] === best);
    }),
    { numRuns: 60 },
  );
});

function subsets(nodeCount: number, size: number): readonly (readonly number[])[] {
  return Array.from({ length: 2 ** nodeCount }, (_, set) =>
    Array.from({ length: nodeCount }, (_node, node) => node).filter((node) => ((set >>> node) & 1) === 1),
  ).filter((row) => row.length === size);
}

test("a node that is not among them breaks the rule", () => {
  assert.ok(!keepsZoneRule(zoneRule(zonesOfSizes([2]), 2), [0, 2]));
});
