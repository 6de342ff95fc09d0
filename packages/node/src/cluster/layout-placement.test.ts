import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BlockId } from "@holdfast/base";
import { attempt, epoch, nodeId, StoreError, shardId, writerId } from "@holdfast/base";
import type { Layout, Member } from "@holdfast/ring";
import {
  completePartitions,
  createLayout,
  isJoint,
  jointPartitions,
  nextLayout,
  nodesOf,
  tableOfWidth,
} from "@holdfast/ring";
import { LayoutPlacement, partitionOf } from "./layout-placement.ts";

function members(names: string): readonly Member[] {
  return Array.from(names, (name) => ({ id: nodeId(name), zone: "z", weight: 1, draining: false }));
}

function block(number: number): BlockId {
  const content = { home: shardId(1), writer: writerId(2), attempt: attempt(number) };
  return { content, part: 1, sequence: 0, salt: 0 };
}

function layouts(): readonly [Layout, Layout] {
  const made = createLayout({ partitionBits: 4, shardCount: 1, members: members("abc"), widths: [1, 3] });
  assert.equal(made.kind, "changed");
  const next = nextLayout(made.layout, members("abcd"));
  assert.equal(next.kind, "changed");
  return [made.layout, next.layout];
}

describe("placement by a layout", () => {
  it("gives the slots of the block's partition in the table of its width, both sets while it is joint", () => {
    const [first, next] = layouts();
    const placement = new LayoutPlacement();
    placement.adopt(first);
    const before = Array.from({ length: 100 }, (_, i) => placement.slotsOf(block(i), 3));
    placement.adopt(next);
    const table = tableOfWidth(next, 3);
    assert.ok(table !== undefined);
    let jointCount = 0;
    for (let i = 0; i < 100; i++) {
      const partition = partitionOf(next, block(i));
      const { slots, next: newSlots, epoch: at } = placement.slotsOf(block(i), 3);
      assert.equal(at, next.epoch);
      assert.deepEqual(slots, before[i]?.slots, "the old slots are those of before");
      assert.equal(newSlots !== undefined, isJoint(table, partition));
      if (newSlots === undefined) continue;
      jointCount++;
      assert.deepEqual(newSlots, nodesOf(next, table, partition));
    }
    assert.ok(jointCount > 10 && jointCount < 100);
    assert.equal(placement.slotsOf(block(1), 1).slots.length, 1);
  });

  it("writes a partition's slots out once for each layout", () => {
    const [first, next] = layouts();
    const placement = new LayoutPlacement();
    placement.adopt(first);
    const slots = placement.slotsOf(block(1), 3);
    assert.equal(placement.slotsOf(block(1), 3), slots);
    placement.adopt(next);
    assert.notEqual(placement.slotsOf(block(1), 3), slots);
  });

  it("has the new slots alone when their partition is complete, under the newer epoch", () => {
    const [, next] = layouts();
    const table = tableOfWidth(next, 3);
    assert.ok(table !== undefined);
    const placement = new LayoutPlacement();
    placement.adopt(next);
    const done = completePartitions(next, 3, jointPartitions(table));
    placement.adopt(done);
    for (let i = 0; i < 100; i++) {
      const slots = nodesOf(done, table, partitionOf(done, block(i)));
      assert.deepEqual(placement.slotsOf(block(i), 3), { epoch: done.epoch, slots, next: undefined });
    }
  });

  it("takes no layout for newer than it is", () => {
    const [first, next] = layouts();
    const placement = new LayoutPlacement();
    placement.adopt(next);
    placement.adopt(first);
    placement.adopt({ ...first, epoch: next.epoch });
    assert.equal(placement.layout, next);
    assert.equal(placement.slotsOf(block(1), 3).epoch, next.epoch);
  });

  it("is unavailable, to be tried again, for a width that no layout has yet, and before the first layout", () => {
    const placement = new LayoutPlacement();
    const isUnavailable = (error: unknown): boolean =>
      error instanceof StoreError && error.code === "Unavailable" && error.retryable;
    assert.throws(() => placement.slotsOf(block(1), 1), isUnavailable);
    const [first] = layouts();
    placement.adopt(first);
    assert.throws(() => placement.slotsOf(block(1), 5), isUnavailable);
    const wide = nextLayout(first, members("abcdef"), [1, 3, 5]);
    assert.equal(wide.kind, "changed");
    placement.adopt(wide.layout);
    assert.equal(placement.slotsOf(block(1), 5).slots.length, 5);
    assert.equal(placement.slotsOf(block(1), 5).epoch, epoch(first.epoch + 1));
  });
});
