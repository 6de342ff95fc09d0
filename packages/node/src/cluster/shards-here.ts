/** Which shards this node should serve, and whether it can, by what it knows itself: nobody is asked. */

import type { NodeId, ShardId } from "@holdfast/base";
import { isVoter } from "@holdfast/consensus";
import type { Group } from "@holdfast/groups";
import type { ReplicatedLog } from "@holdfast/ports";
import { shardGroup } from "../groups/group-ids.ts";
import type { ShardReplica } from "../shard-replica.ts";
import type { ClusterMap } from "./cluster-map.ts";
import type { NodeCluster } from "./node-cluster.ts";

export interface ShardHere {
  readonly shard: ShardId;
  readonly log: Pick<ReplicatedLog<unknown>, "readBarrier">;
  /**
   * `missing`: the cluster counts on a replica here that is not open. `leaderless`: nobody is known to lead it. A replica that
   * does not vote is on its way in or out, and counted on by nobody: its shard is left out.
   */
  readonly state: "served" | "leaderless" | "missing";
  /** This run of this node may write there. */
  readonly hasWriter: boolean;
}

export function shardsHere(
  { map, shards: logs }: NodeCluster,
  self: NodeId,
  shards: readonly ShardReplica[],
): readonly ShardHere[] {
  const homes = homesOf(map, self);
  return shards.flatMap(({ id: shard, log, hasWriter }) => {
    const state = stateOf(logs[shard]?.log.replica, homes.has(shardGroup(shard)));
    return state === undefined ? [] : [{ shard, log, state, hasWriter }];
  });
}

function stateOf(replica: Group<unknown> | undefined, isHome: boolean): ShardHere["state"] | undefined {
  if (replica === undefined) return isHome ? "missing" : undefined;
  const { membership } = replica.status();
  if (!isVoter(membership, replica.replica)) return undefined;
  return replica.leader === undefined ? "leaderless" : "served";
}

/** Groups that have given this node, as its log lives now, a number. */
function homesOf({ groups, nodes }: ClusterMap, self: NodeId): ReadonlySet<number> {
  const incarnation = nodes.get(self)?.logIncarnation;
  const isOwn = (place: { readonly node: NodeId; readonly incarnation: string }): boolean =>
    place.node === self && place.incarnation === incarnation;
  return new Set(groups.filter(({ places }) => places.some(isOwn)).map(({ group }) => group));
}
