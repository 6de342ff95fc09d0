/** Where groups should live: shards as the layout says, the system group on up to seven nodes that all others learn from. */

import type { NodeId, ShardId } from "@holdfast/base";
import { replicaId } from "@holdfast/consensus";
import { leaderWish, voterWish } from "@holdfast/ring";
import type { ClusterMap } from "./cluster-map.ts";
import type { GroupView, GroupWish } from "./group-move.ts";
import { isCaughtUp, replicaOf } from "./group-move.ts";

/** Undefined while there is no layout. */
export function shardWish({ layout }: ClusterMap, shard: ShardId): GroupWish | undefined {
  if (layout === undefined) return undefined;
  return { voters: voterWish(layout, shard), learners: [], leader: leaderWish(layout, shard) };
}

/**
 * Every node has a replica. Those that vote go on voting; new voters come from those that have caught up, so that one that
 * joined and died holds nobody up. One that lost its log votes no more, and is waited for as if it were down: its number of now takes the
 * place of the one before when it has caught up, and until then nobody else loses a vote (S11).
 */
export function systemWish({ nodes }: ClusterMap, view: GroupView): GroupWish {
  const all = [...nodes.keys()].sort();
  const staying = all.filter((node) => nodes.get(node)?.draining === false);
  const { voters } = view.status.membership;
  const voting = new Set(
    view.record.places.filter(({ replica }) => voters.includes(replicaId(replica))).map(({ node }) => node),
  );
  const isReady = (node: NodeId): boolean => {
    const replica = replicaOf(view, node);
    return replica !== undefined && isCaughtUp(view, replica);
  };
  const candidates = [
    ...staying.filter((node) => voting.has(node)),
    ...staying.filter((node) => !voting.has(node) && isReady(node)),
  ];
  const wanted = candidates.slice(0, systemVoterCount(Math.min(staying.length, candidates.length)));
  return { voters: wanted, learners: all.filter((node) => !wanted.includes(node)), leader: undefined };
}

/** Up to seven, never an even number. */
function systemVoterCount(nodes: number): number {
  if (nodes >= 7) return 7;
  if (nodes >= 5) return 5;
  return nodes >= 3 ? 3 : Math.min(nodes, 1);
}
