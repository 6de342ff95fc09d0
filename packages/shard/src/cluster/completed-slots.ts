/**
 * How a layout change ends: each new owner of a partition says when its slot is complete, and with the last one the partition
 * is stable (SAFETY.md S3); or the change is taken back.
 *
 * A report names the change it was made under. One that is late and belongs to an earlier change says nothing about this one:
 * the partition may have come back to the same node with blocks in it that the node never saw.
 */

import type { Codec, Epoch, NodeId } from "@holdfast/base";
import { branded, byteString, decode, encode, record, versioned } from "@holdfast/base";
import type { Refusal } from "@holdfast/namespace";
import { findCluster, listPairs, refusal } from "@holdfast/namespace";
import type { StateReader, StateWriter } from "@holdfast/ports";
import type { Layout, PartitionId, PartitionTable } from "@holdfast/ring";
import {
  completePartitions,
  idOf,
  isNewOwner,
  jointPartitions,
  nodeAt,
  partitionCountOf,
  revertPartitions,
  tableOfWidth,
} from "@holdfast/ring";
import { closedEverywhere } from "./closed-epochs.ts";
import { completedSlotsKey, completedSlotsTable } from "./cluster-keys.ts";
import { findLayout, layoutChange, replaceLayout } from "./layouts.ts";

/** What one new owner has reported of one table. */
export interface CompletedSlots {
  /** The change it was reported under; of another one it counts for nothing. */
  readonly change: Epoch;
  /** A bit for each partition, the lowest of the first byte first. */
  readonly partitions: Uint8Array;
}

export const completedSlotsCodec: Codec<CompletedSlots> = versioned(
  1,
  record({ change: branded<Epoch>(), partitions: byteString }),
);

/** A new owner's slots of these partitions are complete. */
export interface SlotReport {
  readonly node: NodeId;
  readonly width: number;
  readonly partitions: readonly PartitionId[];
  /** `layoutChange`, when the node began to copy. */
  readonly change: Epoch;
}

/**
 * Partitions of which every new owner has reported become stable. What does not belong to the change under way is ignored:
 * a report may be repeated, and come late.
 */
export function completeSlots(state: StateWriter, report: SlotReport): Refusal | undefined {
  const { node, width, change } = report;
  const layout = findLayout(state);
  if (layout === undefined || layoutChange(state) !== change) return undefined;
  // Before that a shard may still take what the node has not seen.
  if (closedEverywhere(state, findCluster(state)?.shardCount ?? 0) < change) return refusal("InvalidRequest");
  const table = tableOfWidth(layout, width);
  const member = layout.members.findIndex(({ id }) => id === node);
  if (table === undefined || member < 0) return undefined;
  const reported = report.partitions.filter(
    (partition) => partition < partitionCountOf(layout) && isNewOwner(table, partition, member),
  );
  if (reported.length === 0) return undefined;
  const known = completedOf(state, layout, change, node, width);
  for (const partition of reported) setBit(known, partition);
  state.put(completedSlotsKey(node, width), encode(completedSlotsCodec, { change, partitions: known }));
  settle(state, layout, change, table, reported);
  return undefined;
}

/**
 * Everything that is joint has its old slots alone again, for an operator whose new owner will not come back. Safe at any
 * time: what was stored meanwhile is on a quorum of the old slots too. Done already if no change is under way;
 * `LayoutConflict` if another one is.
 */
export function revertLayout(state: StateWriter, change: Epoch): Refusal | undefined {
  const underWay = layoutChange(state);
  const layout = findLayout(state);
  if (underWay === undefined || layout === undefined) return undefined;
  if (underWay !== change) return refusal("LayoutConflict");
  const reverted = layout.tables.reduce(
    (each, table) => revertPartitions(each, table.width, jointPartitions(table)),
    layout,
  );
  replaceLayout(state, reverted);
  forgetReports(state);
  return undefined;
}

/** Slots of one table that a node still has to complete. */
export interface OwedSlots {
  readonly width: number;
  readonly partitions: readonly PartitionId[];
}

/** What the change under way gives to this node and it has not reported yet, by width; empty if nothing. */
export function owedSlots(state: StateReader, layout: Layout, node: NodeId): readonly OwedSlots[] {
  const change = layoutChange(state);
  const member = layout.members.findIndex(({ id }) => id === node);
  if (change === undefined || member < 0) return [];
  return layout.tables.flatMap((table) => {
    const completed = completedOf(state, layout, change, node, table.width);
    const partitions = jointPartitions(table).filter(
      (partition) => isNewOwner(table, partition, member) && !hasBit(completed, partition),
    );
    return partitions.length === 0 ? [] : [{ width: table.width, partitions }];
  });
}

function settle(
  state: StateWriter,
  layout: Layout,
  change: Epoch,
  table: PartitionTable,
  reported: readonly PartitionId[],
): void {
  const { width } = table;
  const completed = new Map<NodeId, Uint8Array>();
  const hasReported = (node: NodeId, partition: PartitionId): boolean => {
    const bits = completed.get(node) ?? completedOf(state, layout, change, node, width);
    completed.set(node, bits);
    return hasBit(bits, partition);
  };
  const done = reported.filter((partition) =>
    newOwners(layout, table, partition).every((node) => hasReported(node, partition)),
  );
  if (done.length === 0) return;
  replaceLayout(state, completePartitions(layout, width, done));
  if (layoutChange(state) === undefined) forgetReports(state);
}

function newOwners(layout: Layout, table: PartitionTable, partition: PartitionId): readonly NodeId[] {
  const members = Array.from({ length: table.width }, (_, slot) => nodeAt(table, partition, slot));
  return members
    .filter((member) => isNewOwner(table, partition, member))
    .map((member) => idOf(layout, member));
}

function completedOf(
  state: StateReader,
  layout: Layout,
  change: Epoch,
  node: NodeId,
  width: number,
): Uint8Array {
  const stored = state.get(completedSlotsKey(node, width));
  const known = stored === undefined ? undefined : decode(completedSlotsCodec, stored);
  if (known?.change === change) return known.partitions.slice();
  return new Uint8Array(Math.ceil(partitionCountOf(layout) / 8));
}

function forgetReports(state: StateWriter): void {
  for (const { key } of listPairs(state, completedSlotsTable)) state.remove(key);
}

function hasBit(bits: Uint8Array, partition: PartitionId): boolean {
  return ((bits[partition >>> 3] ?? 0) & (1 << (partition & 7))) !== 0;
}

function setBit(bits: Uint8Array, partition: PartitionId): void {
  bits[partition >>> 3] = (bits[partition >>> 3] ?? 0) | (1 << (partition & 7));
}
