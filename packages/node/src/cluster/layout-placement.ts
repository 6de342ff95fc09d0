/**
 * Where blocks are by the newest layout that this node knows: one hash and one array read. What a partition's slots are is
 * written out once for each layout and then shared by all lookups.
 */

import type { BlockId, NodeId } from "@holdfast/base";
import { blockKey, StoreError } from "@holdfast/base";
import type { Layout, PartitionId, PartitionTable } from "@holdfast/ring";
import { blockHash, idOf, isJoint, nodeAt, oldNodeAt, partitionOfHash } from "@holdfast/ring";
import type { BlockSlots, Placement } from "../replication/placement.ts";

/** Placement by a layout that others may look at, too. */
export interface LayoutSource extends Placement {
  /** Undefined before the first is known here. */
  readonly layout: Layout | undefined;
}

interface PlacedTable {
  readonly table: PartitionTable;
  /** By partition; those that were asked for. */
  readonly rows: (BlockSlots | undefined)[];
}

export class LayoutPlacement implements LayoutSource {
  #layout: Layout | undefined;
  #tables: ReadonlyMap<number, PlacedTable> = new Map();

  get layout(): Layout | undefined {
    return this.#layout;
  }

  /** An older one than is known already changes nothing. */
  adopt(layout: Layout): void {
    if (this.#layout !== undefined && layout.epoch <= this.#layout.epoch) return;
    this.#layout = layout;
    this.#tables = new Map(layout.tables.map((table) => [table.width, { table, rows: [] }]));
  }

  /** Throws StoreError "Unavailable" as long as no layout has slots of this width: it is on its way. */
  slotsOf(id: BlockId, width: number): BlockSlots {
    const layout = this.#layout;
    const placed = this.#tables.get(width);
    if (layout === undefined || placed === undefined)
      throw new StoreError("Unavailable", "The cluster has no slots for this redundancy yet. Try again.", {
        fields: { width, epoch: layout?.epoch ?? 0 },
      });
    const partition = partitionOf(layout, id);
    const known = placed.rows[partition];
    if (known !== undefined) return known;
    const row = rowOf(layout, placed.table, partition);
    placed.rows[partition] = row;
    return row;
  }
}

export function partitionOf({ partitionBits }: Layout, id: BlockId): PartitionId {
  return partitionOfHash(blockHash(blockKey(id)), partitionBits);
}

function rowOf(layout: Layout, table: PartitionTable, partition: PartitionId): BlockSlots {
  const nodes = (at: typeof nodeAt): readonly NodeId[] =>
    Array.from({ length: table.width }, (_, slot) => idOf(layout, at(table, partition, slot)));
  const { epoch } = layout;
  if (!isJoint(table, partition)) return { epoch, slots: nodes(nodeAt), next: undefined };
  return { epoch, slots: nodes(oldNodeAt), next: nodes(nodeAt) };
}
