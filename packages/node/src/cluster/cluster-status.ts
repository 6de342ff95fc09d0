/** How the cluster is, as far as this node knows: of groups that have a replica here what that replica knows, of others what is on record. */

import type { GroupId, NodeId } from "@holdfast/base";
import { shardId } from "@holdfast/base";
import type { ReplicaId } from "@holdfast/consensus";
import type { Group } from "@holdfast/groups";
import { jointPartitions, partitionCountOf } from "@holdfast/ring";
import type { GroupRecord, NodeAddresses } from "@holdfast/shard";
import { layoutChange } from "@holdfast/shard";
import { shardGroup, systemGroup } from "../groups/group-ids.ts";
import type { NodeBlocks } from "../replication/node-blocks.ts";
import type { NodeCluster } from "./node-cluster.ts";

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
}

export interface GroupStanding {
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
}

export function clusterStatusOf(cluster: NodeCluster, { incomplete }: NodeBlocks): ClusterStatus {
  const { map } = cluster;
  const records = new Map(map.groups.map((record) => [record.group, record]));
  const standing = (group: GroupId, replica: Group<unknown> | undefined): GroupStanding =>
    replica === undefined ? standingOnRecord(records.get(group)) : standingOf(replica, records.get(group));
  return {
    consensus: map.founding.consensus,
    epoch: map.layout?.epoch ?? 0,
    nodes: Array.from(map.nodes.values(), ({ id, zone, weight, draining, addresses }) => {
      return { id, zone, weight, state: cluster.isLive(id) ? "up" : "down", draining, addresses };
    }),
    system: standing(systemGroup, cluster.system.log.replica),
    shards: cluster.shards.map(({ log }, i) => standing(shardGroup(shardId(i)), log.replica)),
    partitions: partitionsOf(cluster),
    incompleteBlocks: incomplete.count,
  };
}

function standingOf(replica: Group<unknown>, record: GroupRecord | undefined): GroupStanding {
  const { membership, appliedIndex } = replica.status();
  const nodesOf = (replicas: readonly ReplicaId[]): readonly NodeId[] =>
    replicas
      .map((id) => record?.places.find((place) => place.replica === Number(id))?.node)
      .filter((node) => node !== undefined);
  const { voters, outgoing, learners } = membership;
  return {
    leader: replica.leader?.node,
    voters: nodesOf([...new Set([...voters, ...outgoing])]),
    learners: nodesOf(learners),
    appliedIndex,
  };
}

/** Who votes nobody says there: only the group's own log does (S13). */
function standingOnRecord(record: GroupRecord | undefined): GroupStanding {
  const voters = record?.places.map(({ node }) => node) ?? [];
  return { leader: undefined, voters, learners: [], appliedIndex: undefined };
}

function partitionsOf({ map: { layout }, system }: NodeCluster): PartitionCounts {
  if (layout === undefined) return { stable: 0, joint: 0, change: undefined };
  const joint = layout.tables.reduce((count, table) => count + jointPartitions(table).length, 0);
  const all = layout.tables.length * partitionCountOf(layout);
  return { stable: all - joint, joint, change: layoutChange(system.state) };
}
