/**
 * How layouts come about and change. A change makes partitions joint and moves as few slots as its balance allows; it is
 * refused while partitions are joint: every change starts from one set of complete slots. Whoever cannot wait (a new
 * owner died before its slots were complete) takes those partitions back first (`revertPartitions`), which is safe at any
 * time, because a block of a joint partition is on a quorum of the old slots too (S3).
 */

import { assert, epoch, limits } from "@holdfast/base";
import type { Layout, PartitionTable } from "./layout.ts";
import {
  hasJointPartitions,
  isNamed,
  jointPartitions,
  partitionCountOf,
  tableOf,
  tablesMax,
  widthMax,
} from "./layout.ts";
import type { Member } from "./member.ts";
import { faultOfMembers, numbersAmong, placeableOf, sortedMembers } from "./member.ts";
import type { PartitionId } from "./partition.ts";
import { partitionBitsMax, partitionBitsMin } from "./partition.ts";
import { changedRows, placedRows } from "./placement.ts";
import type { Rows } from "./rows.ts";
import { nobody, renumbered } from "./rows.ts";
import { placedVoters } from "./voters.ts";

export type LayoutRefusal =
  | { readonly kind: "invalid-members"; readonly reason: string }
  /** A partition of this width needs as many nodes that are not draining. */
  | { readonly kind: "too-few-nodes"; readonly width: number; readonly placeableCount: number }
  /** Complete them or take them back first. */
  | { readonly kind: "joint-partitions"; readonly jointCount: number };

export type LayoutChange =
  | { readonly kind: "changed"; readonly layout: Layout }
  /** The layout already is what was asked for; its epoch stays. */
  | { readonly kind: "unchanged"; readonly layout: Layout }
  | LayoutRefusal;

export interface NewLayout {
  /** See `partitionBitsFor`. */
  readonly partitionBits: number;
  readonly shardCount: number;
  readonly members: readonly Member[];
  /** One table for each: n for replicas:n, k + m for erasure:k+m. */
  readonly widths: readonly number[];
}

/** The first layout, of epoch 1; all its partitions are stable, since there is no data yet. */
export function createLayout({ partitionBits, shardCount, members, widths }: NewLayout): LayoutChange {
  assert(
    Number.isInteger(partitionBits) && partitionBits >= partitionBitsMin && partitionBits <= partitionBitsMax,
    "2^1 to 2^16 partitions",
  );
  assert(
    Number.isInteger(shardCount) && shardCount >= 1 && shardCount <= limits.shardsMax,
    "1 to 4096 shards",
  );
  const empty = { width: 1, slots: new Uint16Array(shardCount).fill(nobody) };
  const none = { epoch: epoch(0), partitionBits, members: [], tables: [], voters: empty };
  return nextLayout(none, members, widths);
}

/**
 * The layout for these members, all of them, and these widths, all that are in use. The partitions that change are joint. A
 * member that is left out while slots name it stays as draining until the first change after they no longer do. A table
 * of a new width is stable: nothing is stored by it yet.
 */
export function nextLayout(
  layout: Layout,
  members: readonly Member[],
  widths: readonly number[] = layout.tables.map(({ width }) => width),
): LayoutChange {
  const wanted = sortedMembers(members);
  const reason = faultOfMembers(wanted);
  if (reason !== undefined) return { kind: "invalid-members", reason };
  const refusal = refusalOf(layout, wanted, widths);
  if (refusal !== undefined) return refusal;
  const kept = layout.members.filter(
    ({ id }, member) => !wanted.some((other) => other.id === id) && isNamed(layout, member),
  );
  const all = sortedMembers([...wanted, ...kept.map((member) => ({ ...member, draining: true }))]);
  const renumbering = new Renumbering(layout.members, all);
  const tables = widths.toSorted((a, b) => a - b).map((width) => changedTable(layout, width, renumbering));
  const voters = renumbering.toAll(
    placedVoters(renumbering.placeable, renumbering.toPlaceable(layout.voters)),
  );
  const changed = { ...layout, epoch: epoch(layout.epoch + 1), members: all, tables, voters };
  return isSame(layout, changed) ? { kind: "unchanged", layout } : { kind: "changed", layout: changed };
}

function refusalOf(
  layout: Layout,
  wanted: readonly Member[],
  widths: readonly number[],
): LayoutRefusal | undefined {
  assert(widths.length <= tablesMax && new Set(widths).size === widths.length, "at most 16 different widths");
  const placeableCount = placeableOf(wanted).length;
  for (const width of [1, ...widths]) {
    assert(Number.isInteger(width) && width >= 1 && width <= widthMax, "widths from 1 to 32");
    if (placeableCount < width) return { kind: "too-few-nodes", width, placeableCount };
  }
  if (!hasJointPartitions(layout)) return undefined;
  const jointCount = layout.tables.reduce((count, table) => count + jointPartitions(table).length, 0);
  return { kind: "joint-partitions", jointCount };
}

function changedTable(layout: Layout, width: number, renumbering: Renumbering): PartitionTable {
  const table = layout.tables.find((other) => other.width === width);
  if (table === undefined) {
    const { slots } = renumbering.toAll(placedRows(renumbering.placeable, width, partitionCountOf(layout)));
    return tableOf(width, slots, slots);
  }
  const rows = changedRows(renumbering.placeable, width, renumbering.toPlaceable(table));
  return tableOf(width, renumbering.toAll(rows).slots, renumbering.toNew(table.slots));
}

/** Members have three numbers: in the old layout, in the new one, and among those that may be given slots. */
class Renumbering {
  readonly placeable: readonly Member[];
  readonly #newOfOld: readonly number[];
  readonly #placeableOfOld: readonly number[];
  readonly #newOfPlaceable: readonly number[];

  constructor(before: readonly Member[], all: readonly Member[]) {
    this.placeable = placeableOf(all);
    this.#newOfOld = numbersAmong(before, all);
    this.#placeableOfOld = numbersAmong(before, this.placeable);
    this.#newOfPlaceable = numbersAmong(this.placeable, all);
  }

  toNew(slots: Uint16Array): Uint16Array {
    return renumbered(slots, this.#newOfOld);
  }

  toPlaceable({ width, slots }: Rows): Rows {
    return { width, slots: renumbered(slots, this.#placeableOfOld) };
  }

  toAll({ width, slots }: Rows): Rows {
    return { width, slots: renumbered(slots, this.#newOfPlaceable) };
  }
}

function isSame(a: Layout, b: Layout): boolean {
  return (
    a.members.length === b.members.length &&
    a.members.every((member, i) => isSameMember(member, b.members[i])) &&
    a.tables.length === b.tables.length &&
    a.tables.every(
      ({ width, slots }, i) => width === b.tables[i]?.width && isSameSlots(slots, b.tables[i].slots),
    ) &&
    isSameSlots(a.voters.slots, b.voters.slots)
  );
}

function isSameMember(a: Member, b: Member | undefined): boolean {
  return a.id === b?.id && a.zone === b.zone && a.weight === b.weight && a.draining === b.draining;
}

function isSameSlots(a: Uint16Array, b: Uint16Array): boolean {
  return a.length === b.length && a.every((node, i) => b[i] === node);
}

/**
 * The layout in which these partitions have their new slots alone, because those are complete. Partitions that are stable
 * stay as they are, so that the order may be given twice; if all are, the layout is returned unchanged.
 */
export function completePartitions(layout: Layout, width: number, partitions: Iterable<PartitionId>): Layout {
  return finished(layout, width, partitions, ({ slots }) => slots);
}

/** The layout in which these partitions have their old slots alone again, as if the change had not begun. */
export function revertPartitions(layout: Layout, width: number, partitions: Iterable<PartitionId>): Layout {
  return finished(layout, width, partitions, ({ oldSlots }) => oldSlots);
}

function finished(
  layout: Layout,
  width: number,
  partitions: Iterable<PartitionId>,
  chosen: (table: PartitionTable) => Uint16Array,
): Layout {
  const table = layout.tables.find((other) => other.width === width);
  if (table === undefined || table.slots === table.oldSlots) return layout;
  const [slots, oldSlots] = [table.slots.slice(), table.oldSlots.slice()];
  for (const partition of partitions) {
    assert(partition >= 0 && partition < partitionCountOf(layout), "a partition of the layout");
    const row = chosen(table).subarray(partition * width, (partition + 1) * width);
    slots.set(row, partition * width);
    oldSlots.set(row, partition * width);
  }
  if (isSameSlots(slots, table.slots) && isSameSlots(oldSlots, table.oldSlots)) return layout;
  const done = tableOf(width, slots, oldSlots);
  const tables = layout.tables.map((other) => (other === table ? done : other));
  return { ...layout, epoch: epoch(layout.epoch + 1), tables };
}
