/** What one slot says to one request, from here or from another node alike. Expected failures are values. */

import type { Epoch, NodeId } from "@holdfast/base";

/** Goes with everything that a block server says (S3): the epoch that it has made durable, and which volumes it speaks of. */
export interface Standing {
  readonly epoch: Epoch;
  /** Of its block store's folder, 16 bytes. */
  readonly incarnation: Uint8Array;
}

/**
 * - `stale-epoch`: the request is of an older layout than the server has promised to follow.
 * - `conflict`: another body is stored under this id (S1).
 * - `missing`: not stored there; never evidence that it does not exist.
 * - `corrupt`: stored there, and damaged.
 * - `no-space`: the disk is full.
 * - `busy`: too much waits there, or it is out of file handles.
 * - `mismatch`: the body was not what its head said; nothing was stored.
 * - `unavailable`: its disk failed, or it stops.
 * - `not-understood`: malformed, or of a kind or version that the server does not know.
 */
export const refusalReasons = [
  "stale-epoch",
  "conflict",
  "missing",
  "corrupt",
  "no-space",
  "busy",
  "mismatch",
  "unavailable",
  "not-understood",
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** `unreachable`: it did not act. Of the others nobody knows; `invalid`: its answer is not to be believed; `given-up`: by the caller. */
export type SilenceReason = "unreachable" | "broken" | "timeout" | "invalid" | "given-up";

export type SlotAnswer<T> =
  | { readonly kind: "done"; readonly standing: Standing; readonly value: T }
  | { readonly kind: "refused"; readonly standing: Standing; readonly reason: RefusalReason }
  | { readonly kind: "silent"; readonly reason: SilenceReason };

/** What a slot holds of a block. */
export interface FragmentStat {
  readonly state: "absent" | "whole" | "damaged";
  /** 0 when absent, or when not even the index can tell. */
  readonly bytes: number;
  /** CRC-32; 0 as above. */
  readonly checksum: number;
}

/** For the journal and for errors. */
export function reasonsText(reasons: ReadonlyMap<NodeId, string>): string {
  return Array.from(reasons, ([node, reason]) => `${node} ${reason}`).join(", ");
}
