/**
 * The next step by which a group comes to live where it should (S13), as its leader sees it. One at a time: each begins where
 * the one before has ended.
 *
 *   1. whoever should have a replica is given its number, once for each life of its log (S11);
 *   2. it is told the log as a learner;
 *   3. when all that should vote have caught up, the voters change, in one joint change: never one at a time, never an even
 *      number;
 *   4. whoever is no member any more gives its number back;
 *   5. the one that should lead is handed leadership.
 */

import type { NodeId } from "@holdfast/base";
import type { ConsensusStatus, FollowerStatus, MembershipTarget, ReplicaId } from "@holdfast/consensus";
import { isJoint, membersOf, replicaId } from "@holdfast/consensus";
import type { GroupRecord } from "@holdfast/shard";

/** Who should be where; nodes that are not known are passed over. */
export interface GroupWish {
  /** An odd number. */
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Undefined: whoever does. */
  readonly leader: NodeId | undefined;
}

export interface GroupView {
  readonly status: ConsensusStatus;
  readonly followers: readonly FollowerStatus[];
  readonly record: GroupRecord;
  /** The incarnation of a node's log as it lives now; undefined for a node that is not known. */
  readonly lifeOf: (node: NodeId) => string | undefined;
}

export type GroupMove =
  | { readonly kind: "none" }
  | { readonly kind: "assign"; readonly nodes: readonly NodeId[] }
  | { readonly kind: "change"; readonly target: MembershipTarget }
  | { readonly kind: "drop"; readonly replicas: readonly ReplicaId[] }
  | { readonly kind: "transfer"; readonly to: ReplicaId };

/** A learner that lacks no more entries than these will have them before a change is through. */
const lagMax = 1000;
const none: GroupMove = { kind: "none" };

export function nextMove(view: GroupView, wish: GroupWish): GroupMove {
  const { status, record, lifeOf } = view;
  if (status.role !== "leader" || isJoint(status.membership)) return none;
  const wanted = [...wish.voters, ...wish.learners].filter((node) => lifeOf(node) !== undefined);
  const homeless = wanted.filter((node) => replicaOf(view, node) === undefined);
  if (homeless.length > 0) return { kind: "assign", nodes: homeless };
  const target = targetOf(view, wish);
  return memberMove(view, target) ?? dropMove(record, status) ?? leaderMove(view, wish) ?? none;
}

/** The replica that this node is, as its log lives now. */
export function replicaOf({ record, lifeOf }: GroupView, node: NodeId): ReplicaId | undefined {
  const place = record.places.find((each) => each.node === node && each.incarnation === lifeOf(node));
  return place === undefined ? undefined : replicaId(place.replica);
}

/** Its node may be far behind in time, but it has the log. */
export function isCaughtUp({ status, followers }: GroupView, replica: ReplicaId): boolean {
  if (replica === status.id) return true;
  const follower = followers.find(({ id }) => id === replica);
  if (follower === undefined || !follower.recentlyActive) return false;
  const lag = status.lastIndex - follower.matchIndex;
  // After a broken connection a follower is probed until it takes the next entry: one that has them all may wait for it for ever.
  return lag === 0 || (lag <= lagMax && follower.mode === "replicate");
}

function targetOf(view: GroupView, wish: GroupWish): MembershipTarget {
  const replicas = (nodes: readonly NodeId[]): readonly ReplicaId[] =>
    nodes.map((node) => replicaOf(view, node)).filter((replica) => replica !== undefined);
  return { voters: replicas(wish.voters), learners: replicas(wish.learners) };
}

function memberMove(view: GroupView, target: MembershipTarget): GroupMove | undefined {
  const { membership } = view.status;
  const members = membersOf(membership);
  const newcomers = [...target.voters, ...target.learners].filter((id) => !members.includes(id));
  if (newcomers.length > 0)
    return change({ voters: membership.voters, learners: [...membership.learners, ...newcomers] });
  if (!isSame(target.voters, membership.voters)) {
    const isReady = target.voters.length % 2 === 1 && target.voters.every((id) => isCaughtUp(view, id));
    return isReady ? change(target) : none;
  }
  return isSame(target.learners, membership.learners) ? undefined : change(target);
}

function change(target: MembershipTarget): GroupMove {
  return { kind: "change", target };
}

/** The membership counts here once it is committed: only then a number that it does not name is nobody's. */
function dropMove(
  record: GroupRecord,
  { membership, appliedIndex, lastIndex }: ConsensusStatus,
): GroupMove | undefined {
  if (appliedIndex !== lastIndex) return undefined;
  const members = membersOf(membership);
  const replicas = record.places
    .map(({ replica }) => replicaId(replica))
    .filter((id) => !members.includes(id));
  return replicas.length === 0 ? undefined : { kind: "drop", replicas };
}

function leaderMove(view: GroupView, { leader }: GroupWish): GroupMove | undefined {
  const to = leader === undefined ? undefined : replicaOf(view, leader);
  if (to === undefined || to === view.status.id || !view.status.membership.voters.includes(to))
    return undefined;
  return isCaughtUp(view, to) ? { kind: "transfer", to } : undefined;
}

function isSame(a: readonly ReplicaId[], b: readonly ReplicaId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
