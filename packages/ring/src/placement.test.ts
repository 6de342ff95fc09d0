import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { anyMembers, members } from "../test-support/clusters.ts";
import { slowLeastDifference } from "../test-support/slow-placement.ts";
import type { Member } from "./member.ts";
import { numbersAmong, sortedMembers } from "./member.ts";
import { changedRows, leastMoves, placedRows, zoneRuleOf } from "./placement.ts";
import type { Rows } from "./rows.ts";
import { renumbered } from "./rows.ts";
import { sharesOf } from "./shares.ts";
import { surveyMembers } from "./survey.ts";
import { slotCounts } from "./swap-graph.ts";
import { firstOfArcs, virtualNodes } from "./virtual-nodes.ts";
import { keepsZoneRule } from "./zone-rule.ts";

function assertSound(nodes: readonly Member[], { width, slots }: Rows): void {
  const rule = zoneRuleOf(nodes, width);
  for (let first = 0; first < slots.length; first += width) {
    const row = slots.subarray(first, first + width);
    assert.equal(new Set(row).size, width);
    assert.ok(keepsZoneRule(rule, row));
  }
}

function differences(a: Rows, b: Rows): number {
  return a.slots.reduce((count, node, i) => count + (b.slots[i] === node ? 0 : 1), 0);
}

const tinyCluster = fc.record({
  nodes: anyMembers({ min: 1, max: 7 }).map(sortedMembers),
  width: fc.integer({ min: 1, max: 4 }),
  bits: fc.integer({ min: 1, max: 4 }),
});

test("the first placement keeps the zone rule and gives every node exactly its share", () => {
  fc.assert(
    fc.property(
      anyMembers({ min: 1, max: 30 }).map(sortedMembers),
      fc.integer({ min: 1, max: 7 }),
      (nodes, width) => {
        fc.pre(nodes.length >= width);
        const rows = placedRows(nodes, width, 128);
        assertSound(nodes, rows);
        const counts = slotCounts(rows.slots, nodes.length);
        assert.deepEqual(counts, sharesOf(nodes, zoneRuleOf(nodes, width), 128, counts).exact);
      },
    ),
    { numRuns: 60 },
  );
});

test("the first placement follows the ring where balance allows: most slots are the next nodes clockwise", () => {
  const nodes = sortedMembers(members("az bz cz dz ez fz gz hz"));
  const rows = placedRows(nodes, 3, 1024);
  const ring = virtualNodes(nodes, 1024);
  let followed = 0;
  for (const [partition, first] of firstOfArcs(ring, 1024).entries()) {
    const clockwise: number[] = [];
    for (let step = 0; clockwise.length < 3; step++) {
      const owner = ring.owners[(first + step) % ring.owners.length] ?? 0;
      if (!clockwise.includes(owner)) clockwise.push(owner);
    }
    for (const [slot, node] of clockwise.entries()) if (rows.slots[3 * partition + slot] === node) followed++;
  }
  assert.ok(followed > 0.93 * 3 * 1024, `${followed} of ${3 * 1024}`);
});

test("oracle: the least number of moves is that of a plain minimum cost flow, and a change moves at most 1.1 of it", () => {
  fc.assert(
    fc.property(
      tinyCluster,
      anyMembers({ min: 0, max: 3 }),
      fc.nat(),
      fc.nat(),
      (cluster, joining, who, zone) => {
        const { nodes, width, bits } = cluster;
        fc.pre(nodes.length >= width);
        const before = placedRows(nodes, width, 2 ** bits);
        // Some leave, some join, one changes zone and weight.
        const stay = nodes
          .filter((_, i) => ((who >>> i) & 1) === 0)
          .map((node, i) =>
            i === zone % 5 ? { ...node, zone: `z${zone % 7}`, weight: 1 + (zone % 4) } : node,
          );
        const after = sortedMembers([
          ...stay,
          ...joining.filter(({ id }) => !nodes.some((node) => node.id === id)),
        ]);
        fc.pre(after.length >= width);
        const previous = { width, slots: renumbered(before.slots, numbersAmong(nodes, after)) };
        const rule = zoneRuleOf(after, width);
        const shares = sharesOf(after, rule, 2 ** bits, slotCounts(previous.slots, after.length));
        const least = leastMoves(after, previous);
        assert.equal(least, slowLeastDifference(previous, rule, shares));
        const changed = changedRows(after, width, previous);
        assertSound(after, changed);
        assert.ok(differences(changed, previous) <= 1.1 * least);
        for (const [node, count] of slotCounts(changed.slots, after.length).entries())
          assert.ok(count >= (shares.low[node] ?? 0) && count <= (shares.high[node] ?? 0));
      },
    ),
    { numRuns: 150 },
  );
});

test("where zones bind, exact shares would cost more: a change stops at a tenth more than the least", () => {
  let boundCount = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const nodes = sortedMembers(surveyMembers(10, 4, "mixed", seed));
    const before = placedRows(nodes, 3, 512);
    for (const leaving of nodes.slice(0, 3)) {
      const after = nodes.filter((node) => node !== leaving);
      const previous = { width: 3, slots: renumbered(before.slots, numbersAmong(nodes, after)) };
      const least = leastMoves(after, previous);
      const changed = changedRows(after, 3, previous);
      const moved = differences(changed, previous);
      assert.ok(moved <= 1.1 * least, `${moved} of ${least}`);
      const counts = slotCounts(changed.slots, after.length);
      const { exact } = sharesOf(after, zoneRuleOf(after, 3), 512, slotCounts(previous.slots, after.length));
      if (counts.some((count, node) => count !== exact[node])) boundCount++;
    }
  }
  assert.ok(boundCount > 0, "no example in which it mattered");
});

test("oracle: the first placement differs from the ring's walk in as few slots as balance allows", () => {
  fc.assert(
    fc.property(tinyCluster, ({ nodes, width, bits }) => {
      fc.pre(nodes.length >= width);
      const rows = placedRows(nodes, width, 2 ** bits);
      const rule = zoneRuleOf(nodes, width);
      const { exact } = sharesOf(nodes, rule, 2 ** bits, slotCounts(rows.slots, nodes.length));
      const seed = seedRows(nodes, width, 2 ** bits);
      const placed = (rowsOf: Rows): readonly string[] =>
        Array.from(rowsOf.slots, (node, i) => `${Math.floor(i / width)}: ${node}`);
      const seeded = new Set(placed(seed));
      const moved = placed(rows).filter((place) => !seeded.has(place)).length;
      // Ties between equal shares went to whom the ring favours; this oracle is told the outcome.
      assert.equal(moved, slowLeastDifference(seed, rule, { low: exact, high: exact }));
    }),
    { numRuns: 60 },
  );
});

/** The walk alone, written once more, slowly: the next distinct nodes clockwise with which the zone rule can be kept. */
function seedRows(nodes: readonly Member[], width: number, partitionCount: number): Rows {
  const rule = zoneRuleOf(nodes, width);
  const { owners, positions } = virtualNodes(nodes, partitionCount);
  const slots: number[] = [];
  for (let partition = 0; partition < partitionCount; partition++) {
    const start = (partition * 2 ** 32) / partitionCount;
    const row: number[] = [];
    const clockwise = [...owners.keys()].sort(
      (a, b) =>
        clockwiseDistance(start, positions[a] ?? 0) - clockwiseDistance(start, positions[b] ?? 0) || a - b,
    );
    for (const at of clockwise) {
      const node = owners[at] ?? 0;
      if (row.length < width && !row.includes(node) && canBeCompleted([...row, node])) row.push(node);
    }
    slots.push(...row);
  }
  return { width, slots: Uint16Array.from(slots) };

  function canBeCompleted(row: readonly number[]): boolean {
    if (row.length === width) return keepsZoneRule(rule, row);
    return nodes.some((_, node) => !row.includes(node) && canBeCompleted([...row, node]));
  }
}

function clockwiseDistance(from: number, to: number): number {
  return to >= from ? to - from : to + 2 ** 32 - from;
}
