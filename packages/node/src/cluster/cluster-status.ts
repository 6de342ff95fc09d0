/** How the cluster is, as far as this node knows: of groups that have a replica here what that replica knows, of others what is on record. */

import type { GroupId, NodeId } from "@holdfast/base";
import { shardId } from "@holdfast/base";
import type { ReplicaId } from "@holdfast/consensus";
import type { Group } from "@holdfast/groups";
import { jointPartitions, partitionCountOf } from "@holdfast/ring";
import type { GroupRecord, NodeAddresses } from "@holdfast/shard";
import { closedEpochOf, isOver, layoutChange, owedSlots } from "@holdfast/shard";
import { shardGroup, systemGroup } from "../groups/group-ids.ts";
import type { NodeBlocks } from "../replication/node-blocks.ts";
import type { ClusterMap } from "./cluster-map.ts";
import { partitionOf } from "./layout-placement.ts";
import type { NodeCluster } from "./node-cluster.ts";
import { nodeUses, unused } from "./node-uses.ts";

export interface ClusterStatus {
  readonly consensus: "raft" | "multipaxos";
  /** Of the layout. */
  readonly epoch: number;
  readonly nodes: readonly NodeStanding[];
  readonly system: GroupStanding;
  /** By number. */
  readonly shards: readonly GroupStanding[];
  readonly partitions: PartitionCounts;
  /** What this node knows that some slot lacks. */
  readonly incompleteBlocks: number;
}

export interface NodeStanding {
  readonly id: NodeId;
  readonly zone: string;
  readonly weight: number;
  /** `down`: not heard of lately by this node. */
  readonly state: "up" | "down";
  readonly draining: boolean;
  readonly addresses: NodeAddresses;
  /** The layout lists it, be it without a slot. */
  readonly isMember: boolean;
  /** Over all tables; old slots of partitions that are moving are among them. */
  readonly slots: number;
  /** Shards of which it has a replica. */
  readonly shardReplicas: number;
  /** Over all tables: partitions that are moving to it and that it has not reported complete. */
  readonly owedPartitions: number;
}

export interface GroupStanding {
  /** Undefined too where no replica is here, which alone would know. */
  readonly leader: NodeId | undefined;
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Of the replica here; undefined without one. */
  readonly appliedIndex: number | undefined;
}

/** Over all tables. */
export interface PartitionCounts {
  readonly stable: number;
  readonly joint: number;
  /** The epoch at which the layout change under way began. */
  readonly change: number | undefined;
  /** Shards that have not closed the epochs before the change: nothing moves before all have. */
  readonly unclosedShards: readonly number[];
  /** With blocks that some slot lacks, by the first thousand such blocks of each node. */
  readonly incomplete: number;
}

/** Of each node: enough to see where, few enough for one look. */
const incompleteListed = 1000;

export function clusterStatusOf(cluster: NodeCluster, { incomplete }: NodeBlocks): ClusterStatus {
  const { map } = cluster;
  const records = new Map(map.groups.map((record) => [record.group, asOfNow(record, map)]));
  const standing = (group: GroupId, replica: Group<unknown> | undefined): GroupStanding =>
    replica === undefined ? standingOnRecord(records.get(group)) : standingOf(replica, records.get(group));
  return {
    consensus: map.founding.consensus,
    epoch: map.layout?.epoch ?? 0,
    nodes: nodesOf(cluster),
    system: standing(systemGroup, cluster.system.log.replica),
    shards: cluster.shards.map(({ log }, i) => standing(shardGroup(shardId(i)), log.replica)),
    partitions: partitionsOf(cluster, incomplete),
    incompleteBlocks: incomplete.count,
  };
}

/** Without the numbers of nodes' logs that were lost: nobody is who had them any more (S11). */
function asOfNow(record: GroupRecord, { nodes }: ClusterMap): GroupRecord {
  return { ...record, places: record.places.filter((place) => !isOver(place, nodes.get(place.node))) };
}

function nodesOf(cluster: NodeCluster): readonly NodeStanding[] {
  const { map, system } = cluster;
  const { layout } = map;
  const uses = nodeUses(layout, map.groups);
  const isUnknown = system.state.damage !== undefined;
  return Array.from(map.nodes.values(), ({ id, zone, weight, draining, addresses }) => {
    const owed = isUnknown || layout === undefined ? [] : owedSlots(system.state, layout, id);
    return {
      id,
      zone,
      weight,
      state: cluster.isLive(id) ? "up" : "down",
      draining,
      addresses,
      ...(uses.get(id) ?? unused),
      owedPartitions: owed.reduce((count, { partitions }) => count + partitions.length, 0),
    };
  });
}

function standingOf(replica: Group<unknown>, record: GroupRecord | undefined): GroupStanding {
  const { membership, appliedIndex } = replica.status();
  const nodes = (replicas: readonly ReplicaId[]): readonly NodeId[] =>
    replicas
      .map((id) => record?.places.find((place) => place.replica === Number(id))?.node)
      .filter((node) => node !== undefined);
  const { voters, outgoing, learners } = membership;
  return {
    leader: replica.leader?.node,
    voters: nodes([...new Set([...voters, ...outgoing])]),
    learners: nodes(learners),
    appliedIndex,
  };
}

/** Who votes nobody says there: only the group's own log does (S13). */
function standingOnRecord(record: GroupRecord | undefined): GroupStanding {
  const voters = record?.places.map(({ node }) => node) ?? [];
  return { leader: undefined, voters, learners: [], appliedIndex: undefined };
}

function partitionsOf(
  { map: { layout }, system: { state }, shards }: NodeCluster,
  incomplete: NodeBlocks["incomplete"],
): PartitionCounts {
  if (layout === undefined)
    return { stable: 0, joint: 0, change: undefined, unclosedShards: [], incomplete: 0 };
  const joint = layout.tables.reduce((count, table) => count + jointPartitions(table).length, 0);
  const all = layout.tables.length * partitionCountOf(layout);
  const change = state.damage === undefined ? layoutChange(state) : undefined;
  const unclosed = (shard: number): boolean =>
    change !== undefined && closedEpochOf(state, shardId(shard)) < change;
  const lacking = incomplete.nodes().flatMap((node) => incomplete.of(node, undefined, incompleteListed));
  const named = new Set(lacking.map(({ id, width }) => `${width}/${partitionOf(layout, id)}`));
  return {
    stable: all - joint,
    joint,
    change,
    unclosedShards: Array.from(shards.keys()).filter(unclosed),
    incomplete: named.size,
  };
}
