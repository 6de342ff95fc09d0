/** What the system group says of nodes, layout and groups, read from this node's copy of its state. */

import type { NodeId } from "@holdfast/base";
import { findCluster } from "@holdfast/namespace";
import type { Peer, StateReader } from "@holdfast/ports";
import type { Layout } from "@holdfast/ring";
import type { Founding, GroupRecord, NodeRecord } from "@holdfast/shard";
import { findFounding, findLayout, listGroups, listNodes, systemGroup } from "@holdfast/shard";
import type { ClusterSeed } from "./cluster-seed.ts";

export interface ClusterMap {
  readonly clusterId: string;
  readonly shardCount: number;
  readonly founding: Founding;
  readonly nodes: ReadonlyMap<NodeId, NodeRecord>;
  readonly groups: readonly GroupRecord[];
  readonly layout: Layout | undefined;
}

/** Undefined before the cluster was founded, and on a node that has not heard of it yet. */
export function clusterMapOf(state: StateReader): ClusterMap | undefined {
  const cluster = findCluster(state);
  const founding = findFounding(state);
  if (cluster === undefined || founding === undefined) return undefined;
  const nodes = new Map(listNodes(state).map((node) => [node.id, node]));
  const { clusterId, shardCount } = cluster;
  return { clusterId, shardCount, founding, nodes, groups: listGroups(state), layout: findLayout(state) };
}

/** The nodes that listen for others. */
export function peersOf({ nodes }: Pick<ClusterMap, "nodes">): readonly Peer[] {
  return Array.from(nodes.values())
    .filter(({ addresses }) => addresses.rpc !== "none")
    .map(({ id, addresses }) => ({ id, address: addresses.rpc }));
}

/**
 * Those of the nodes known before that were removed and are in the system group still: until they are let out of it they are
 * reached where they were.
 */
export function leavingPeers(
  before: readonly Peer[],
  { nodes, groups }: Pick<ClusterMap, "nodes" | "groups">,
): readonly Peer[] {
  const places = groups.find(({ group }) => group === systemGroup)?.places ?? [];
  return before.filter(({ id }) => !nodes.has(id) && places.some(({ node }) => node === id));
}

/** What a start needs to find the system group. */
export function seedOf(map: ClusterMap): ClusterSeed {
  const { clusterId, founding, groups } = map;
  const places = groups.find(({ group }) => group === systemGroup)?.places ?? [];
  return { clusterId, consensus: founding.consensus, places, peers: peersOf(map) };
}

/** The same, in one line; undefined while this node is alone, and needs nobody. */
export function wayInOf({ nodes, groups }: ClusterMap): string | undefined {
  if (nodes.size === 1) return undefined;
  const addresses = Array.from(nodes.values(), ({ id, addresses: { rpc } }) => `${id} ${rpc}`);
  const places = groups.find(({ group }) => group === systemGroup)?.places ?? [];
  return [...addresses, ...places.map(({ replica, node }) => `${replica} ${node}`)].join("\n");
}
