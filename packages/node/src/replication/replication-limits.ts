/** Bounds and times of replicated blocks, in one place. */

import { MiB } from "@holdfast/base";

export interface ReplicationLimits {
  /** Bodies of puts that are under way here, those included that wait for their last slots. */
  readonly heldBytesMax: number;
  /** Of those, bodies whose quorum is complete; beyond, the oldest are given up and go to the list. */
  readonly lingerBytesMax: number;
  /** How long a put with its quorum waits for the last slots. */
  readonly lingerMs: number;
  /** Without its quorum by then a put has failed. */
  readonly putDeadlineMs: number;
  readonly readDeadlineMs: number;
  /** One exchange, from its first byte to its last. */
  readonly attemptMs: number;
  /** Between two attempts at one slot; doubles, up to the second. */
  readonly retryMsMin: number;
  readonly retryMsMax: number;
  /** A read that has no answer by then asks the next slot too. */
  readonly hedgeMs: number;
  /** How long a node that was silent is not relied on; doubles with each time, up to the second. */
  readonly suspicionMsMin: number;
  readonly suspicionMsMax: number;
  /** Bodies of puts, and of reads, that other nodes have under way here. */
  readonly servedPutBytesMax: number;
  readonly servedReadBytesMax: number;
  /** Requests of other nodes that wait for room; beyond, they are told that this node is busy. */
  readonly waitingMax: number;
  /** A body on its way to or from another node. */
  readonly servedBodyMsMax: number;
}

export const replicationLimitsDefault: ReplicationLimits = {
  heldBytesMax: 128 * MiB,
  lingerBytesMax: 32 * MiB,
  lingerMs: 5000,
  putDeadlineMs: 10_000,
  readDeadlineMs: 10_000,
  attemptMs: 5000,
  retryMsMin: 50,
  retryMsMax: 1000,
  hedgeMs: 200,
  suspicionMsMin: 1000,
  suspicionMsMax: 60_000,
  servedPutBytesMax: 32 * MiB,
  servedReadBytesMax: 32 * MiB,
  waitingMax: 256,
  servedBodyMsMax: 30_000,
};
