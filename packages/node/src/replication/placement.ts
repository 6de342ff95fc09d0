/**
 * Where the slots of a block are, as its layout says. Here a block has one piece per slot and each is the whole block
 * (replicas:n, k = 1); what a slot holds is called its fragment, so that more pieces can come.
 */

import type { BlockId, Epoch, NodeId } from "@holdfast/base";

/** Stable while `next` is undefined; joint otherwise (S3): what is stored then goes to both, and is read from both. */
export interface BlockSlots {
  readonly epoch: Epoch;
  /** Slot i holds fragment i. */
  readonly slots: readonly NodeId[];
  readonly next: readonly NodeId[] | undefined;
}

export interface Placement {
  /** By the newest layout that this node knows. `width` is the number of slots, n of replicas:n. */
  slotsOf(id: BlockId, width: number): BlockSlots;
}

/** Each node once, the old slots before the new ones. */
export function nodesOf({ slots, next }: BlockSlots): readonly NodeId[] {
  return [...new Set([...slots, ...(next ?? [])])];
}
