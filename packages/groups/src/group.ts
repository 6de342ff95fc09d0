/** One consensus group on this node, as its user sees it. */

import type { GroupId, NodeId } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import type {
  ConsensusStatus,
  FollowerStatus,
  MembershipTarget,
  Proposed,
  Refusal,
  ReplicaId,
} from "@holdfast/consensus";
import type { ReplicatedLog } from "@holdfast/ports";
import type { Places } from "./places.ts";

export interface GroupLeader {
  readonly replica: ReplicaId;
  /** Undefined while it is not known where the replica lives. */
  readonly node: NodeId | undefined;
}

/**
 * `append` is refused with `Unavailable` on a replica that does not lead, and the error's fields name the leader, if one is
 * known: `leaderReplica`, `leaderNode`.
 */
export interface Group<Result> extends ReplicatedLog<Result> {
  /** This node's number in the group. */
  readonly replica: ReplicaId;
  /** As far as this replica knows; it may be this one. Undefined once the group has ended here. */
  readonly leader: GroupLeader | undefined;
  /** Nobody counts its time: nothing happens in it. */
  readonly isResting: boolean;
  /** A quorum is asked, unless this replica alone is one. */
  readBarrier(): Promise<void> | undefined;
  status(): ConsensusStatus;
  /** A leader's view of the others; empty elsewhere. */
  followers(): readonly FollowerStatus[];
  /** On the leader. Joint phases end by themselves; `status().membership` tells. Tell all hosts the new places first. */
  proposeChange(target: MembershipTarget): Proposed | Refusal;
  transferLeader(to: ReplicaId): Refusal | undefined;
  /** Stands for election now. */
  campaign(): void;
  /** Replaces what was known. */
  setPlaces(places: Places): void;
}

export function notLeader(group: GroupId, leader: GroupLeader | undefined): StoreError {
  const where = leader === undefined ? {} : { leaderReplica: leader.replica };
  const fields = { group, ...where, ...(leader?.node === undefined ? {} : { leaderNode: leader.node }) };
  const hint = leader === undefined ? "no leader is known; try again in a moment" : "ask its leader";
  return new StoreError("Unavailable", `This node does not lead group ${group}: ${hint}.`, { fields });
}
