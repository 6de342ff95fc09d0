/** How a receiver's host hands over a snapshot; the same in every protocol. */

import type { Ballot, LogIndex } from "@holdfast/base";
import type { Envelope, SnapshotPosition } from "../contract/consensus.ts";
import type { Membership } from "../contract/membership.ts";

/**
 * The snapshot itself was streamed by the hosts beforehand and waits, durable, beside the receiver's state. The receiver's
 * host hands this message over when it is whole.
 */
export interface InstallSnapshot extends Envelope {
  readonly kind: "InstallSnapshot";
  readonly snapshotIndex: LogIndex;
  readonly snapshotBallot: Ballot;
  readonly membership: Membership;
}

export function installSnapshot(
  { from, to, ballot }: Envelope,
  { index, ballot: snapshotBallot, membership }: SnapshotPosition,
): InstallSnapshot {
  return { kind: "InstallSnapshot", from, to, ballot, snapshotIndex: index, snapshotBallot, membership };
}
