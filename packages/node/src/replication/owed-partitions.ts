/**
 * What a pass of the backfill has found out about the partitions that are new to this node.
 *
 * A partition's slot is complete when n - q + 1 of its old slots were listed to the end and everything they listed is here:
 * whatever was acknowledged is on q of the old slots, so on one of those (S3). All old slots are tried all the same, since a
 * copy that rotted on one may be listed by another.
 */

import type { NodeId } from "@holdfast/base";
import { present } from "@holdfast/base";
import type { Layout, PartitionId, PartitionTable } from "@holdfast/ring";
import { idOf, oldNodeAt, tableOfWidth } from "@holdfast/ring";
import type { OwedSlots } from "@holdfast/shard";
import { quorumOf } from "./quorum.ts";

/** Any so many of n slots have one in common with every quorum. */
export function listedMinOf(width: number): number {
  return width - quorumOf(width) + 1;
}

interface Progress {
  /** Old slots that were not tried yet in this pass. */
  readonly untried: Set<NodeId>;
  readonly oldSlots: ReadonlySet<NodeId>;
  listedCount: number;
  /** A block that belongs here could not be copied, or nobody could say whether it does. */
  hasFailed: boolean;
}

export class OwedPartitions {
  /** By width, then by partition. */
  readonly #widths = new Map<number, Map<PartitionId, Progress>>();

  constructor(layout: Layout, owed: readonly OwedSlots[]) {
    for (const { width, partitions } of owed) {
      const table = present(tableOfWidth(layout, width), "the table of an owed slot");
      const progress = partitions.map((partition): [PartitionId, Progress] => {
        const oldSlots = new Set(oldNodesOf(layout, table, partition));
        return [partition, { untried: new Set(oldSlots), oldSlots, listedCount: 0, hasFailed: false }];
      });
      this.#widths.set(width, new Map(progress));
    }
  }

  /** Partitions that are not complete, of all widths. */
  get count(): number {
    return Array.from(this.#widths.values()).reduce((sum, partitions) => sum + partitions.size, 0);
  }

  /** Every node that has to be tried. */
  sources(): readonly NodeId[] {
    const sources = new Set<NodeId>();
    for (const { untried } of this.#all()) for (const node of untried) sources.add(node);
    return [...sources];
  }

  /** In which tables a block of this partition that `source` lists may belong here; mostly none. */
  widthsFor(partition: PartitionId, source: NodeId): readonly number[] {
    const widths: number[] = [];
    for (const [width, partitions] of this.#widths)
      if (partitions.get(partition)?.oldSlots.has(source) === true) widths.push(width);
    return widths;
  }

  fail(width: number, partition: PartitionId): void {
    const progress = this.#widths.get(width)?.get(partition);
    if (progress !== undefined) progress.hasFailed = true;
  }

  /** `isListed`: to its end, and what it listed was copied or failed. */
  onTried(source: NodeId, isListed: boolean): void {
    for (const progress of this.#all())
      if (progress.untried.delete(source) && isListed) progress.listedCount++;
  }

  /** Those that have become complete; they are owed no more. */
  takeComplete(): readonly OwedSlots[] {
    const complete: OwedSlots[] = [];
    for (const [width, all] of this.#widths) {
      const partitions = [...all].flatMap(([partition, { untried, listedCount, hasFailed }]) =>
        untried.size === 0 && listedCount >= listedMinOf(width) && !hasFailed ? [partition] : [],
      );
      for (const partition of partitions) all.delete(partition);
      if (partitions.length > 0) complete.push({ width, partitions });
    }
    return complete;
  }

  *#all(): Iterable<Progress> {
    for (const partitions of this.#widths.values()) yield* partitions.values();
  }
}

function oldNodesOf(layout: Layout, table: PartitionTable, partition: PartitionId): readonly NodeId[] {
  return Array.from({ length: table.width }, (_, slot) => idOf(layout, oldNodeAt(table, partition, slot)));
}
