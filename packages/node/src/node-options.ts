/** What a node is given: its ports, and what may be chosen. */

import type { Random } from "@holdfast/base";
import type { FrameSizes } from "@holdfast/blocks";
import type { Clock, Disk, Hashing, Journal, KeyValue, Metrics, Network } from "@holdfast/ports";
import type { Founding, NewNode } from "@holdfast/shard";
import type { ClusterSeed } from "./cluster/cluster-seed.ts";
import type { NodePlace } from "./cluster/own-record.ts";
import type { Identity } from "./identity.ts";

export interface NodePorts {
  readonly clock: Clock;
  /** The node's data directory. */
  readonly disk: Disk;
  /** Opens the key-value store in a folder of the data directory. */
  readonly openKeyValue: (folder: string) => Promise<KeyValue>;
  /**
   * Looks through the state store in a folder, as `checkStates`, where a damaged one ends no node; what is wrong with it. Without it the
   * node looks itself.
   */
  readonly checkState?: (folder: string) => Promise<string | undefined>;
  readonly random: Random;
  readonly hashing: Hashing;
  readonly journal: Journal;
  /** Nothing is counted without. */
  readonly metrics?: Metrics;
  /**
   * Opens the network between nodes, once it is known which node this is; `isAlone`: as far as it knows, it is all there is of
   * its cluster. Without it a node is alone.
   */
  readonly openNetwork?: (self: Identity, isAlone: boolean) => Promise<Network>;
}

/** How a new node comes to a cluster that there is. */
export interface Entrance {
  readonly clusterId: string;
  /** Asks to be let in; asked again, with the same answer, when a start was cut short. */
  readonly enter: (node: NewNode) => Promise<ClusterSeed>;
}

/** How a node that lost its log comes back to its cluster (S11). */
export interface Rejoining extends Entrance {
  /** Tells the token from others, without being it: brought again at a later start it is no new wish. */
  readonly token: string;
}

export interface NodeOptions {
  /** The cluster that a new directory is to belong to; without it the node founds one. */
  readonly entrance?: Entrance;
  /** The log of this directory is lost for good: what is left of it and all states go, and the node comes back with its volumes. */
  readonly rejoining?: Rejoining;
  /** The protocol of a cluster that does not exist yet. */
  readonly consensus?: Founding["consensus"];
  /** Shards of a cluster that does not exist yet; an existing one keeps its own. */
  readonly shardCount?: number;
  /** Where the node stands and is reached, for the cluster's record of it. */
  readonly place?: NodePlace;
  /** How long nobody must have joined until nodes that did are given data: one change for all that come together; 3 s by default. */
  readonly joinSettleMs?: number;
  /** Size of one log segment; a smaller one suits tests. */
  readonly segmentBytes?: number;
  /** Size at which a volume is full; a smaller one suits tests. */
  readonly volumeBytesMax?: number;
  /** From which length blocks go past the system's cache, and how much of their memory is kept; smaller ones suit tests. */
  readonly frameSizes?: FrameSizes;
  /** Free space that only deletes, apply and compaction may use (S12); 5 % and at least 1 GiB of the disk by default, at most half of it. */
  readonly reserveBytes?: number;
  /** The longest time that applied entries wait for their checkpoint; 1 s by default. */
  readonly checkpointIntervalMs?: number;
  /** Time between two rounds of collection; 5 s by default. */
  readonly collectIntervalMs?: number;
  /** How long dead content stays readable (S6); 15 minutes by default, less only in tests. */
  readonly readerGraceMs?: number;
  /** A writer of this node that sent nothing for so long says that it lives; an hour by default. */
  readonly writerPublishMs?: number;
  /** After so long a silence writers of nodes that are gone are closed (S15); a day by default. */
  readonly writerSilentMs?: number;
  /** Time between two rounds of compaction; 10 s by default. */
  readonly compactIntervalMs?: number;
  /** Copied by compaction in the background; 32 MiB by default. */
  readonly compactBytesPerSecondMax?: number;
  /** In which everything stored is read once; a week by default. */
  readonly scrubPeriodMs?: number;
  /** Read by the scrub however little is stored; 4 MiB by default. */
  readonly scrubBytesPerSecondMin?: number;
}
