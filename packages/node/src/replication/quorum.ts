/** All arithmetic of block quorums (S2, S3), for replicas:n: k = 1, m = n - 1. */

import type { NodeId } from "@holdfast/base";
import { assert } from "@holdfast/base";
import type { BlockSlots } from "./placement.ts";

/** q = k + ceil(m / 2) slots: losing q - k of them for ever loses nothing; with m - ceil(m / 2) down, writes go on. */
export function quorumOf(width: number): number {
  assert(Number.isInteger(width) && width > 0, `a width of ${width}`);
  return 1 + Math.ceil((width - 1) / 2);
}

/**
 * Whether a block counts as stored: a quorum of the slots hold it and, in joint, a quorum of the new slots too (S3). One of
 * the new would not do: once the change is complete the old owners drop, and the new slots alone have to be able to lose as
 * many of theirs as a stable layout can.
 */
export function isStored(
  { slots, next }: BlockSlots,
  width: number,
  holds: (node: NodeId) => boolean,
): boolean {
  return isQuorum(slots, width, holds) && (next === undefined || isQuorum(next, width, holds));
}

/** A node counts once, however many slots a short list gives it. */
function isQuorum(slots: readonly NodeId[], width: number, holds: (node: NodeId) => boolean): boolean {
  return new Set(slots.filter(holds)).size >= quorumOf(width);
}
