/**
 * A layout: which nodes hold which slots of which partitions, agreed on in the system group. A value that never changes;
 * every change is a new one of a higher epoch. For each redundancy width there is one table, because slot i holds fragment i.
 *
 * A partition is stable (one set of slots) or joint (an old and a new one): then a block is stored when a quorum of
 * both hold it, and old owners drop only after the new set is complete (SAFETY.md S3). Joint means that the two differ.
 */

import type { Epoch, NodeId } from "@holdfast/base";
import { assert, limits, present } from "@holdfast/base";
import type { Member } from "./member.ts";
import { compareText, faultOfMembers, placeableOf } from "./member.ts";
import type { PartitionId } from "./partition.ts";
import { partitionBitsMax, partitionBitsMin, partitionId } from "./partition.ts";
import type { Rows } from "./rows.ts";

/** Slots of all partitions: `slots[partition * width + slot]` is an index into the layout's members. */
export interface PartitionTable {
  /** Slots of a partition: n for replicas:n, k + m for erasure:k+m. */
  readonly width: number;
  /** Where blocks belong: of a joint partition, the new slots. */
  readonly slots: Uint16Array;
  /** The old slots of joint partitions; of stable ones the same as `slots`. */
  readonly oldSlots: Uint16Array;
}

export interface Layout {
  readonly epoch: Epoch;
  /** p: there are 2^p partitions. Fixed when the cluster is created. */
  readonly partitionBits: number;
  /** By id. Draining ones are among them as long as a slot names them. */
  readonly members: readonly Member[];
  /** By width. */
  readonly tables: readonly PartitionTable[];
  /** Who should vote for each shard; the first of a row should lead it. A wish, so never joint (S13). */
  readonly voters: Rows;
}

/** Fragments of a block at most, as in erasure. */
export const widthMax: number = 32;
export const tablesMax: number = 16;

export function partitionCountOf(layout: Layout): number {
  return 2 ** layout.partitionBits;
}

export function shardCountOf({ voters }: Layout): number {
  return voters.slots.length / voters.width;
}

/** The table of this width; undefined when no redundancy of this width was asked for. */
export function tableOfWidth(layout: Layout, width: number): PartitionTable | undefined {
  return layout.tables.find((table) => table.width === width);
}

/** Index in the layout's members of the node in a slot. One array read. */
export function nodeAt({ width, slots }: PartitionTable, partition: PartitionId, slot: number): number {
  return slots[partition * width + slot] ?? 0;
}

/** The same of the old slots. */
export function oldNodeAt({ width, oldSlots }: PartitionTable, partition: PartitionId, slot: number): number {
  return oldSlots[partition * width + slot] ?? 0;
}

/** The slot in which this member stands, -1 if in none. */
export function slotOf({ width, slots }: PartitionTable, partition: PartitionId, member: number): number {
  for (let slot = 0; slot < width; slot++) if (slots[partition * width + slot] === member) return slot;
  return -1;
}

/** Ids in the order of slots; for messages and reports, since it allocates. */
export function nodesOf(layout: Layout, table: PartitionTable, partition: PartitionId): readonly NodeId[] {
  return Array.from({ length: table.width }, (_, slot) => idOf(layout, nodeAt(table, partition, slot)));
}

export function idOf(layout: Layout, member: number): NodeId {
  return present(layout.members[member], "a member").id;
}

export function isJoint({ width, slots, oldSlots }: PartitionTable, partition: PartitionId): boolean {
  if (slots === oldSlots) return false;
  for (let i = partition * width; i < (partition + 1) * width; i++) if (slots[i] !== oldSlots[i]) return true;
  return false;
}

/** Whether a change gives this member a slot of the partition: who stays keeps its slot, so it is not among the old ones. */
export function isNewOwner(table: PartitionTable, partition: PartitionId, member: number): boolean {
  const slot = slotOf(table, partition, member);
  return slot >= 0 && oldNodeAt(table, partition, slot) !== member;
}

export function jointPartitions(table: PartitionTable): readonly PartitionId[] {
  if (table.slots === table.oldSlots) return [];
  const all = Array.from({ length: table.slots.length / table.width }, (_, index) => partitionId(index));
  return all.filter((partition) => isJoint(table, partition));
}

export function hasJointPartitions(layout: Layout): boolean {
  return layout.tables.some((table) => jointPartitions(table).length > 0);
}

/** Whether a slot, old or new, names this member: a node is gone when none does and no group has it (S13). */
export function isNamed({ tables }: Layout, member: number): boolean {
  return tables.some(({ slots, oldSlots }) => slots.includes(member) || oldSlots.includes(member));
}

/** A table without joint partitions keeps its slots once. */
export function tableOf(width: number, slots: Uint16Array, oldSlots: Uint16Array): PartitionTable {
  const isStable = slots.every((node, i) => oldSlots[i] === node);
  return { width, slots, oldSlots: isStable ? slots : oldSlots };
}

/** What is wrong with a layout, however it came about; undefined if nothing is. */
export function faultOfLayout(layout: Layout): string | undefined {
  const { partitionBits, members, tables, voters } = layout;
  if (partitionBits < partitionBitsMin || partitionBits > partitionBitsMax)
    return `2^${partitionBits} partitions; 2^${partitionBitsMin} to 2^${partitionBitsMax}`;
  if (members.some(({ id }, i) => i > 0 && compareText(members[i - 1]?.id ?? "", id) > 0))
    return "members are not sorted by id";
  const fault = faultOfMembers(members);
  if (fault !== undefined) return fault;
  if (tables.length > tablesMax) return `${tables.length} tables; at most ${tablesMax}`;
  if (tables.some(({ width }, i) => width <= (tables[i - 1]?.width ?? 0)))
    return "tables are not sorted by width";
  const placeableCount = placeableOf(members).length;
  const shardCount = shardCountOf(layout);
  if (shardCount < 1 || shardCount > limits.shardsMax)
    return `${shardCount} shards; 1 to ${limits.shardsMax}`;
  if (voters.width % 2 === 0) return `${voters.width} voters; never an even number`;
  for (const { width, slots, oldSlots } of [...tables, { ...voters, oldSlots: voters.slots }]) {
    if (width < 1 || width > Math.min(widthMax, placeableCount))
      return `a table of width ${width} for ${placeableCount} nodes that are not draining`;
    const rowFault =
      faultOfRows(width, slots, members.length) ?? faultOfRows(width, oldSlots, members.length);
    if (rowFault !== undefined) return rowFault;
    if (movesWithinRow(width, slots, oldSlots)) return "a node that stays in a partition changes its slot";
  }
  return undefined;
}

function faultOfRows(width: number, slots: Uint16Array, memberCount: number): string | undefined {
  for (let i = 0; i < slots.length; i++) {
    const node = slots[i] ?? 0;
    if (node >= memberCount) return `slot of node ${node}; there are ${memberCount}`;
    for (let j = i - (i % width); j < i; j++)
      if (slots[j] === node) return "a node has two slots of one partition";
  }
  return undefined;
}

/** S3: those who stay keep their slot. */
function movesWithinRow(width: number, slots: Uint16Array, oldSlots: Uint16Array): boolean {
  if (slots === oldSlots) return false;
  for (let i = 0; i < slots.length; i++) {
    if (slots[i] === oldSlots[i]) continue;
    for (let j = i - (i % width); j < i - (i % width) + width; j++) if (oldSlots[j] === slots[i]) return true;
  }
  return false;
}

/** For tests and simulation, after every change. */
export function checkLayout(layout: Layout): void {
  const fault = faultOfLayout(layout);
  assert(fault === undefined, fault ?? "");
}
