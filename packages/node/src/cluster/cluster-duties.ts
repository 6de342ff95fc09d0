/**
 * What a node does for its cluster in the background: groups moved to where they should live, the layout brought to what the
 * nodes' records say, blocks brought to where the layout says. Each duty looks for itself whether it is this node's.
 */

import type { ContentId, Random, ShardId } from "@holdfast/base";
import type { Clock, Journal, Metrics } from "@holdfast/ports";
import { findLayout } from "@holdfast/shard";
import type { Closing } from "../closing.ts";
import { contentStatusIn } from "../content-status.ts";
import { Backfiller } from "../replication/backfiller.ts";
import { Dropper } from "../replication/dropper.ts";
import type { NodeBlocks } from "../replication/node-blocks.ts";
import type { ShardReplica } from "../shard-replica.ts";
import { EpochCloser } from "./epoch-closer.ts";
import type { FarewellsParts } from "./farewells.ts";
import { LayoutDriver } from "./layout-driver.ts";
import type { SystemPort } from "./layout-ports.ts";
import type { NodeCluster } from "./node-cluster.ts";
import { isSystemLeader, Reconciler } from "./reconciler.ts";

export interface DutyParts {
  readonly cluster: NodeCluster;
  readonly system: SystemPort;
  readonly shards: readonly ShardReplica[];
  readonly shard: (id: ShardId) => ShardReplica;
  readonly blocks: NodeBlocks;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly closing: Closing;
  readonly joinSettleMs: number | undefined;
  readonly nodeKnows: FarewellsParts["nodeKnows"];
  /** Of other parts of the node. */
  readonly more: readonly Duty[];
  /** Resolves when requests under way let work in the background go on; undefined: at once. */
  readonly yieldToForeground: () => Promise<void> | undefined;
}

const driverMs = 250;
const closerMs = 200;
const backfill = { intervalMs: 500, retryMsMax: 30_000, bytesPerSecondMax: 64 * 1024 * 1024 };
const drops = { intervalMs: 5000, retryMsMax: 60_000, contentsPerSecondMax: 2000 };

export interface Duty {
  start(): void;
  stop(): Promise<void>;
}

/** From the moment that there is another node: a node alone has nothing to agree on and nobody to give anything to. */
export function startDuties(parts: DutyParts): void {
  const { closing, cluster } = parts;
  const duties = dutiesOf(parts);
  let isStarted = false;
  cluster.follow(({ nodes }) => {
    if (isStarted || nodes.size === 1) return;
    isStarted = true;
    for (const duty of duties) duty.start();
  });
  for (const duty of duties) closing.add(() => duty.stop());
}

function dutiesOf(parts: DutyParts): readonly Duty[] {
  const { cluster, system, shards, shard, blocks, clock, random, journal, metrics } = parts;
  const contentStatus = contentStatusIn(shard);
  const mayExist = async (content: ContentId): Promise<boolean> => (await contentStatus(content)) !== "gone";
  const { store, slots, trust, incomplete, placement, limits } = blocks;
  const { yieldToForeground } = parts;
  const moving = { slots, placement, contentStatus, yieldToForeground, clock, journal, metrics, limits };
  return [
    new Reconciler({ cluster, system, nodeKnows: parts.nodeKnows, clock, journal }),
    new LayoutDriver(
      {
        system,
        isLeader: () => isSystemLeader(cluster),
        clock,
        journal,
        ...(parts.joinSettleMs === undefined ? {} : { settleMs: parts.joinSettleMs }),
      },
      driverMs,
    ),
    new EpochCloser(
      {
        system,
        ledShards: () => shards.filter(({ leads }) => leads).map(({ id }) => id),
        closeEpoch: async (id, epoch) => {
          await shard(id).propose({ kind: "closeEpoch", epoch });
        },
        clock,
        journal,
      },
      closerMs,
    ),
    new Backfiller({ ...moving, system, trust, random }, backfill),
    new Dropper(
      {
        ...moving,
        store,
        incomplete,
        confirmedLayout: async () => {
          await cluster.system.log.readBarrier();
          return findLayout(system.state);
        },
      },
      drops,
    ),
    blocks.completer(mayExist),
    ...parts.more,
  ];
}
