import assert from "node:assert/strict";
import { test } from "node:test";
import { completed, firstLayout, layoutOf, member, members } from "../test-support/clusters.ts";
import { nextLayout } from "./change-layout.ts";
import { planMovement } from "./movement-plan.ts";

const four = members("aX bY cZ dX");

test("a join: the new node gets its share, the others give in all as much, nobody else gets anything", () => {
  const from = firstLayout(four, [1, 3], 10);
  const plan = planMovement(from, layoutOf(nextLayout(from, [...four, member("e", "Y")])));
  const e = plan.nodes.find(({ id }) => id === "e");
  assert.equal(e?.outCount, 0);
  assert.ok(plan.nodes.every(({ id, inCount }) => id === "e" || inCount === 0));
  assert.equal(
    plan.nodes.reduce((sum, { outCount }) => sum + outCount, 0),
    e?.inCount,
  );
  assert.equal(plan.movedCount, e?.inCount);
  const [narrow, wide] = plan.tables;
  assert.equal(narrow?.movedCount, 204);
  assert.ok(Math.abs((narrow?.movedFraction ?? 0) - 204 / 1024) < 1e-9);
  assert.equal(wide?.after.zonesPerPartitionMin, 3);
  assert.equal(plan.leastCount, (narrow?.leastCount ?? 0) + (wide?.leastCount ?? 0));
});

test("a node that leaves gives away what it had, and nothing else moves", () => {
  const from = firstLayout(four, [1], 10);
  const plan = planMovement(from, layoutOf(nextLayout(from, four.slice(1))));
  assert.equal(plan.nodes.find(({ id }) => id === "a")?.outCount, 256);
  assert.equal(plan.movedCount, 256);
  assert.equal(plan.leastCount, 256);
});

test("nothing moves from a layout to itself, or to its completed one", () => {
  const from = firstLayout(four, [1, 3]);
  assert.equal(planMovement(from, from).movedCount, 0);
  assert.equal(planMovement(from, from).leastCount, 0);
  const to = layoutOf(nextLayout(from, [...four, member("e", "Y")]));
  assert.equal(planMovement(to, completed(to)).movedCount, 0);
});

test("tables that only one of the layouts has are not part of the plan", () => {
  const from = firstLayout(four, [1]);
  const plan = planMovement(from, layoutOf(nextLayout(from, four, [3])));
  assert.deepEqual(plan.tables, []);
  assert.equal(plan.movedCount, 0);
});
