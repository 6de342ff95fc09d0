import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { firstLayout, layoutOf, member, members } from "../test-support/clusters.ts";
import { nextLayout } from "./change-layout.ts";
import { describeLayout } from "./describe-layout.ts";
import { drawLayout } from "./draw-layout.ts";

const five = members("aX bX cY dY eZ", [1, 2, 1, 3, 1]);
const stable = firstLayout(five, [3]);
const joint = layoutOf(
  nextLayout(stable, [...five.map((one) => ({ ...one, draining: one.id === "c" })), member("f", "Z", 2)]),
);

test("a description has everybody's slots and share, and how the zones are covered", () => {
  const { epoch, partitionCount, nodeCount, zoneCount, tables } = describeLayout(joint);
  assert.deepEqual(
    { epoch, partitionCount, nodeCount, zoneCount },
    { epoch: 2, partitionCount: 64, nodeCount: 6, zoneCount: 3 },
  );
  const [table] = tables;
  assert.ok(table !== undefined);
  const { nodes, zones, maxOverShare, zonesPerPartitionMin, zoneRuleBrokenCount, jointCount } = table;
  assert.equal(
    nodes.reduce((sum, { slotCount }) => sum + slotCount, 0),
    192,
  );
  assert.ok(Math.abs(nodes.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
  assert.deepEqual(
    zones.map(({ zone, nodeCount: count, slotCount }) => [zone, count, slotCount]),
    [
      ["X", 2, 64],
      ["Y", 2, 64],
      ["Z", 2, 64],
    ],
  );
  const c = nodes.find(({ id }) => id === "c");
  assert.deepEqual([c?.slotCount, c?.wantedSlots, c?.deviation], [0, 0, 0]);
  const b = nodes.find(({ id }) => id === "b");
  assert.ok(Math.abs((b?.wantedSlots ?? 0) - 128 / 3) < 0.01);
  assert.ok(maxOverShare >= 1 && maxOverShare <= 1.05);
  assert.equal(zonesPerPartitionMin, 3);
  assert.equal(zoneRuleBrokenCount, 0);
  assert.ok(jointCount > 0);
});

test("the drawing is the one that was looked at", () => {
  const text = [drawLayout(stable), drawLayout(joint), drawLayout(joint, { columns: 60, ascii: true })].join(
    "\n",
  );
  assert.equal(text, readFileSync(new URL("../testdata/drawing.txt", import.meta.url), "utf8"));
});

test("no line is longer than the terminal is wide, and ASCII is ASCII", () => {
  const many = firstLayout(
    Array.from({ length: 90 }, (_, i) =>
      member(
        `node-with-a-long-name-${i}`,
        `zone-with-a-name-that-is-longer-than-the-narrowest-terminal-${i % 7}`,
        1 + (i % 4),
      ),
    ),
    [1, 6],
    11,
  );
  for (const columns of [60, 80, 132]) {
    for (const ascii of [false, true]) {
      const text = drawLayout(many, { columns, ascii });
      for (const line of text.split("\n")) assert.ok(Array.from(line).length <= columns, line);
      if (ascii) assert.ok(/^[\n -~]*$/.test(text));
    }
  }
});
