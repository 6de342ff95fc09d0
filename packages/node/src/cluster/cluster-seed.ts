/** What a node is told when it is let in: enough to reach the system group, from which it learns the rest. */

import type { Codec, NodeId } from "@holdfast/base";
import { integer, list, oneOf, record, text, versioned } from "@holdfast/base";
import type { Peer } from "@holdfast/ports";
import type { Founding, ReplicaPlace } from "@holdfast/shard";
import { nodeIdCodec } from "@holdfast/shard";

export interface ClusterSeed {
  readonly clusterId: string;
  readonly consensus: Founding["consensus"];
  /** Of the system group; the new node's replica is among them. */
  readonly places: readonly ReplicaPlace[];
  /** Where the nodes listen for each other. */
  readonly peers: readonly Peer[];
}

const peerCodec: Codec<{ readonly id: NodeId; readonly address: string }> = record({
  id: nodeIdCodec,
  address: text,
});

/** Version 1. */
export const clusterSeedCodec: Codec<ClusterSeed> = versioned(
  1,
  record({
    clusterId: text,
    consensus: oneOf(["raft", "multipaxos"] as const),
    places: list(record({ replica: integer, node: nodeIdCodec, incarnation: text })),
    peers: list(peerCodec),
  }),
);
