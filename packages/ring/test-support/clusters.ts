/** Clusters for tests: made by fast-check, or by hand. */

import assert from "node:assert/strict";
import type { NodeId } from "@holdfast/base";
import { nodeId } from "@holdfast/base";
import * as fc from "fast-check";
import type { LayoutChange } from "../src/change-layout.ts";
import { completePartitions, createLayout } from "../src/change-layout.ts";
import type { Layout } from "../src/layout.ts";
import { checkLayout, jointPartitions } from "../src/layout.ts";
import type { Member } from "../src/member.ts";

export function member(name: string, zone: string = "z", weight: number = 1): Member {
  return { id: idOfName(name), zone, weight, draining: false };
}

export function idOfName(name: string): NodeId {
  return nodeId(name);
}

/** "a1 b1 c2": name and zone of each, weights as given or 1. */
export function members(text: string, weights: readonly number[] = []): readonly Member[] {
  return text.split(" ").map((word, i) => member(word.slice(0, 1), word.slice(1), weights[i] ?? 1));
}

/** Members with distinct ids, in any order. */
export function anyMembers(bounds: {
  readonly min: number;
  readonly max: number;
}): fc.Arbitrary<readonly Member[]> {
  return fc.uniqueArray(
    fc.record(
      {
        id: fc.string({ minLength: 1, maxLength: 8 }).map(nodeId),
        zone: fc.constantFrom("z0", "z1", "z2", "z3", "z4", "z5", "z6"),
        weight: fc.integer({ min: 1, max: 4 }),
        draining: fc.constant(false),
      },
      { noNullPrototype: true },
    ),
    { minLength: bounds.min, maxLength: bounds.max, selector: ({ id }) => id },
  );
}

/** The layout of a change that must not be refused, its invariants checked. */
export function layoutOf(change: LayoutChange): Layout {
  assert.ok(change.kind === "changed" || change.kind === "unchanged", JSON.stringify(change));
  checkLayout(change.layout);
  return change.layout;
}

export function firstLayout(
  all: readonly Member[],
  widths: readonly number[],
  partitionBits: number = 6,
): Layout {
  return layoutOf(createLayout({ partitionBits, shardCount: 16, members: all, widths }));
}

/** All joint partitions completed. */
export function completed(layout: Layout): Layout {
  return layout.tables.reduce(
    (done, table) => completePartitions(done, table.width, jointPartitions(table)),
    layout,
  );
}
