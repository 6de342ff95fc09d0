/** A group's replica as the host drives it, whatever its protocol and its state machine. */

import type { GroupId, NodeId, StoreError } from "@holdfast/base";
import type { Clock, Journal, Network } from "@holdfast/ports";
import type { WriteAheadLog } from "@holdfast/wal";
import type { Share } from "./budget.ts";
import type { FrameItem } from "./frame-codec.ts";
import type { GroupCounts } from "./group-counts.ts";
import type { GroupHostLimits } from "./limits.ts";
import type { Outbox } from "./outbox.ts";
import type { Place, Places } from "./places.ts";
import type { Slots } from "./slots.ts";
import type { SnapshotAnswer, SnapshotHead } from "./snapshot-head.ts";

export interface HostedGroup {
  readonly group: GroupId;
  /** A tick has passed; not called while it rests. */
  tick(): void;
  /** Does what there is to do, within its share. True when there is more. */
  turn(share: Share): boolean;
  receive(sender: Place, item: FrameItem): void;
  receiveSnapshot(node: NodeId, head: SnapshotHead, body: AsyncIterable<Uint8Array>): Promise<SnapshotAnswer>;
  /** This node may be dead, has started anew or is back; it was not heard of for so many ticks. */
  onPeerChanged(node: NodeId, silentTicks: number): void;
  /** If its leader is on this node, it will not be heard of for so many ticks: they count as passed. */
  onLeaderAway(node: NodeId, skippedTicks: number): void;
  /** Nothing goes on: whoever waits gets this error, or learns that the outcome is unknown. */
  end(error: StoreError): void;
  /** After `end`: resolves when nothing of this group is on its way to the log or into its state. */
  settled(): Promise<void>;
  /** Hands leadership to the voter that has most of the log, without another turn; a follower does nothing. */
  resign(): void;
  /** Says to all other nodes of the group that this replica serves it no longer. */
  sayFarewell(): void;
}

/** What a replica takes from its host. */
export interface Surroundings {
  readonly wal: WriteAheadLog;
  readonly network: Network;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly limits: GroupHostLimits;
  readonly counts: GroupCounts;
  readonly fetchSlots: Slots;
  readonly snapshotSlots: Slots;
  /** A turn is due. */
  schedule(group: HostedGroup): void;
  setResting(group: HostedGroup, isResting: boolean): void;
  /** From now on they are given signs of life, and listened for. */
  meet(places: Places): void;
  /** Undefined for this node itself. */
  outbox(node: NodeId): Outbox | undefined;
  isLive(node: NodeId): boolean;
  /** Undefined while entries may be applied; otherwise resolves when there may be room for what they make. */
  room(): Promise<void> | undefined;
  onApplied(): void;
  /** Somebody who waited for a command has got the answer. */
  onAnswered(): void;
  onLeaderChange(group: GroupId): void;
  /** The log takes nothing any more (S11). */
  onLogFailure(cause: unknown): void;
  /** This group's state can be used no more (S12). */
  onStateFailure(group: GroupId, cause: unknown): void;
}
