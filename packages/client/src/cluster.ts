/** The cluster as the node that answers knows it, and what an operator changes in it. Documents as the native API has them. */

import { listIn, numberIn, textIn } from "./document-members.ts";
import { isRecord } from "./error-answer.ts";
import type { Answer } from "./read-answer.ts";
import { notUnderstood } from "./read-answer.ts";

export interface Cluster {
  readonly clusterId: string;
  /** Of the node that answered. */
  readonly nodeId: string;
  /** "raft" or "multipaxos". */
  readonly consensus: string;
  /** Of the layout. */
  readonly epoch: number;
  readonly nodes: readonly ClusterNode[];
  /** Of nodes, layout, buckets. */
  readonly system: ClusterGroup;
  /** By number. */
  readonly shards: readonly ClusterShard[];
  readonly partitions: {
    readonly stable: number;
    /** That are moving. */
    readonly joint: number;
    /** The epoch at which the layout change under way began. */
    readonly change: number | undefined;
    /** Shards that the change waits for: nothing moves before all have closed the epochs before it. */
    readonly unclosedShards: readonly number[];
    /** With blocks that some slot lacks, as far as the node knows. */
    readonly incomplete: number;
  };
  /** Blocks that some slot lacks, as far as the node knows. */
  readonly repairQueue: number;
}

export interface ClusterMember {
  readonly id: string;
  readonly zone: string;
  readonly weight: number;
  /** Gives away what it holds and is given nothing. */
  readonly draining: boolean;
  /** As `host:port`; "none" where the node does not listen. */
  readonly addresses: { readonly rpc: string; readonly http: string; readonly s3: string };
}

export interface ClusterNode extends ClusterMember {
  /** "down": not heard of lately by the node that answered. */
  readonly state: "up" | "down";
  /** The layout lists it, be it without a slot. */
  readonly isMember: boolean;
  /** Over all redundancies; partitions that are moving away are among them. */
  readonly slots: number;
  /** Shards of which it has a replica. */
  readonly shardReplicas: number;
  /** Partitions that are moving to it and that it does not have yet. */
  readonly owedPartitions: number;
}

export interface ClusterGroup {
  /** A node's id; undefined while there is none, and where the node that answered has no replica. */
  readonly leader: string | undefined;
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  /** Of the replica on the node that answered; undefined without one. */
  readonly applied: number | undefined;
}

export interface ClusterShard extends ClusterGroup {
  readonly shard: number;
}

export interface JoinTokenOptions {
  /** 1 s to a week; an hour unless given. */
  readonly lifetimeMs?: number | undefined;
}

export interface IssuedJoinToken {
  /** For `holdfast server --join`; by it one node may come in, once. */
  readonly token: string;
  /** By the node's clock. */
  readonly expiresAtMs: number;
}

/** What is left out stays as it is. */
export interface NodeChange {
  readonly zone?: string | undefined;
  /** 1 to 1000. */
  readonly weight?: number | undefined;
  readonly draining?: boolean | undefined;
}

export function clusterFrom(document: Answer): Cluster {
  const { partitions } = document;
  return {
    clusterId: textIn(document, "clusterId"),
    nodeId: textIn(document, "nodeId"),
    consensus: textIn(document, "consensus"),
    epoch: numberIn(document, "epoch"),
    nodes: listIn(document, "nodes").map(nodeFrom),
    system: groupFrom(document["system"]),
    shards: listIn(document, "shards").map((shard) => ({
      shard: numberIn(shard, "shard"),
      ...groupFrom(shard),
    })),
    partitions: {
      stable: numberIn(partitions, "stable"),
      joint: numberIn(partitions, "joint"),
      change: numberOrNone(partitions, "change"),
      unclosedShards: listIn(partitions, "unclosedShards").map(wholeNumber),
      incomplete: numberIn(partitions, "incomplete"),
    },
    repairQueue: numberIn(document, "repairQueue"),
  };
}

export function memberFrom(node: unknown): ClusterMember {
  const { draining, addresses } = isRecord(node) ? node : {};
  return {
    id: textIn(node, "id"),
    zone: textIn(node, "zone"),
    weight: numberIn(node, "weight"),
    draining: draining === true,
    addresses: {
      rpc: textIn(addresses, "rpc"),
      http: textIn(addresses, "http"),
      s3: textIn(addresses, "s3"),
    },
  };
}

export function tokenFrom(document: Answer): IssuedJoinToken {
  return { token: textIn(document, "token"), expiresAtMs: numberIn(document, "expiresAtMs") };
}

function nodeFrom(node: unknown): ClusterNode {
  const state = textIn(node, "state");
  if (state !== "up" && state !== "down") throw notUnderstood();
  return {
    ...memberFrom(node),
    state,
    isMember: isRecord(node) && node["isMember"] === true,
    slots: numberIn(node, "slots"),
    shardReplicas: numberIn(node, "shardReplicas"),
    owedPartitions: numberIn(node, "owedPartitions"),
  };
}

function groupFrom(group: unknown): ClusterGroup {
  const { leader } = isRecord(group) ? group : {};
  if (leader !== undefined && typeof leader !== "string") throw notUnderstood();
  return {
    leader,
    voters: listIn(group, "voters").map(text),
    learners: listIn(group, "learners").map(text),
    applied: numberOrNone(group, "applied"),
  };
}

function text(value: unknown): string {
  if (typeof value !== "string") throw notUnderstood();
  return value;
}

function wholeNumber(value: unknown): number {
  if (typeof value !== "number") throw notUnderstood();
  return value;
}

function numberOrNone(document: unknown, member: string): number | undefined {
  const value = isRecord(document) ? document[member] : undefined;
  return value === undefined ? undefined : wholeNumber(value);
}
