/** What going from one layout to another moves: shown before an administrator agrees, and measured by tests. */

import type { NodeId } from "@holdfast/base";
import type { TableDescription } from "./describe-layout.ts";
import { describeTable } from "./describe-layout.ts";
import type { Layout, PartitionTable } from "./layout.ts";
import { tableOfWidth } from "./layout.ts";
import type { Member } from "./member.ts";
import { compareText, numbersAmong, placeableOf } from "./member.ts";
import { leastMoves } from "./placement.ts";
import type { Rows } from "./rows.ts";
import { renumbered } from "./rows.ts";

/** Slots are counted: one slot is what a partition holds with its table's width, over k. */
export interface MovementPlan {
  readonly tables: readonly TableMovement[];
  /** Members of either layout, by id. */
  readonly nodes: readonly NodeMovement[];
  readonly movedCount: number;
  /** The sum of the tables'. */
  readonly leastCount: number;
}

export interface TableMovement {
  readonly width: number;
  readonly movedCount: number;
  /** The fewest that would bring every node of the second layout within 5 % of its share, with the zone rule kept. */
  readonly leastCount: number;
  /** Share of the table's data that moves, 0 to 1. */
  readonly movedFraction: number;
  readonly before: TableDescription;
  readonly after: TableDescription;
}

/** Slots that a node gets and gives away. */
export interface NodeMovement {
  readonly id: NodeId;
  readonly inCount: number;
  readonly outCount: number;
}

/** From the slots of one layout to those of another with as many partitions, for each width that both have. */
export function planMovement(from: Layout, to: Layout): MovementPlan {
  const inCounts = new Uint32Array(to.members.length);
  const outCounts = new Uint32Array(from.members.length);
  const placeable = placeableOf(to.members);
  const tables = from.tables.flatMap((before): readonly TableMovement[] => {
    const after = tableOfWidth(to, before.width);
    if (after === undefined) return [];
    const movedCount = countMoves(before, after, numbersAmong(from.members, to.members), inCounts, outCounts);
    return [
      {
        width: before.width,
        movedCount,
        leastCount: leastMoves(placeable, rowsAmong(from, before, placeable)),
        movedFraction: movedCount / before.slots.length,
        before: describeTable(from, before),
        after: describeTable(to, after),
      },
    ];
  });
  return {
    tables,
    nodes: nodeMovements(from, to, inCounts, outCounts),
    movedCount: tables.reduce((sum, table) => sum + table.movedCount, 0),
    leastCount: tables.reduce((sum, table) => sum + table.leastCount, 0),
  };
}

function rowsAmong(from: Layout, { width, slots }: PartitionTable, nodes: readonly Member[]): Rows {
  return { width, slots: renumbered(slots, numbersAmong(from.members, nodes)) };
}

function countMoves(
  before: PartitionTable,
  after: PartitionTable,
  numbers: readonly number[],
  inCounts: Uint32Array,
  outCounts: Uint32Array,
): number {
  let movedCount = 0;
  for (let i = 0; i < before.slots.length; i++) {
    const [giver, taker] = [before.slots[i] ?? 0, after.slots[i] ?? 0];
    if (numbers[giver] === taker) continue;
    movedCount++;
    outCounts[giver] = (outCounts[giver] ?? 0) + 1;
    inCounts[taker] = (inCounts[taker] ?? 0) + 1;
  }
  return movedCount;
}

function nodeMovements(
  from: Layout,
  to: Layout,
  inCounts: Uint32Array,
  outCounts: Uint32Array,
): readonly NodeMovement[] {
  const moving = new Map<NodeId, NodeMovement>();
  for (const [index, { id }] of from.members.entries())
    moving.set(id, { id, inCount: 0, outCount: outCounts[index] ?? 0 });
  for (const [index, { id }] of to.members.entries())
    moving.set(id, { id, inCount: inCounts[index] ?? 0, outCount: moving.get(id)?.outCount ?? 0 });
  return [...moving.values()].sort((a, b) => compareText(a.id, b.id));
}
