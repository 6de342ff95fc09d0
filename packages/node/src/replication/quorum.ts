/** All arithmetic of block quorums (S2, S3), for replicas:n: k = 1, m = n - 1. */

import type { NodeId } from "@holdfast/base";
import { assert } from "@holdfast/base";
import type { BlockSlots } from "./placement.ts";

/** q = k + ceil(m / 2) slots: losing q - k of them for ever loses nothing; with m - ceil(m / 2) down, writes go on. */
export function quorumOf(width: number): number {
  assert(Number.isInteger(width) && width > 0, `a width of ${width}`);
  return 1 + Math.ceil((width - 1) / 2);
}

/** Whether a block counts as stored: a quorum of the slots hold it and, in joint, one of the new slots (S3). */
export function isStored(
  { slots, next }: BlockSlots,
  width: number,
  holds: (node: NodeId) => boolean,
): boolean {
  // A node counts once, however many slots a short list gives it.
  const holders = new Set(slots.filter(holds));
  return holders.size >= quorumOf(width) && (next === undefined || next.some(holds));
}
