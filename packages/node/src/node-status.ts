/** What a node says of itself: for `holdfast status` and `doctor`, and as metrics. */

import type { BlockStore } from "@holdfast/blocks";
import type { Clock, Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";
import type { GroupState } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import type { Admission, SpaceLeft } from "./admission.ts";
import type { ClusterStatus } from "./cluster/cluster-status.ts";
import type { Checkpointer } from "./groups/checkpointer.ts";
import type { Identity } from "./identity.ts";
import type { Scrubber, ScrubStatus } from "./maintenance/scrubber.ts";
import type { Readiness } from "./readiness.ts";
import type { DigestComparer } from "./state-reload/digest-comparer.ts";
import type { ReloadStatus, StateReloads } from "./state-reload/state-reloads.ts";
import type { ClockStanding, PeerClocks } from "./time/peer-clocks.ts";

export interface NodeStatus extends Readiness {
  readonly clusterId: string;
  readonly nodeId: string;
  /** The node's clock, as it answers. */
  readonly wallMs: number;
  readonly startedAtMs: number;
  /** That clock among those of the other nodes. */
  readonly clock: ClockStanding;
  readonly shards: readonly { readonly shard: number; readonly appliedIndex: number }[];
  readonly log: {
    readonly failed: boolean;
    readonly queuedBytes: number;
    readonly segments: number;
    readonly segmentsBytes: number;
  };
  /** What a start would have to replay. */
  readonly checkpoint: { readonly lagEntries: number; readonly lagBytes: number };
  readonly blocks: {
    readonly blocks: number;
    readonly volumes: number;
    readonly liveBytes: number;
    readonly deadBytes: number;
    /** Found by reads since the node started. */
    readonly damagedFound: number;
    readonly failed: boolean;
  };
  readonly disk: SpaceLeft;
  readonly scrub: ScrubStatus;
  readonly replicas: ReplicasStatus;
  readonly cluster: ClusterStatus;
}

/** The states of the groups that live here (S12). */
export interface ReplicasStatus {
  /** Not served; being loaded anew from other nodes. */
  readonly damaged: readonly ReloadStatus[];
  /** Loaded anew since the node started, and the last of them. */
  readonly reloaded: number;
  readonly lastReloaded: ReloadStatus | undefined;
  /** Of groups whose replicas hold different states while no majority says which is right: a sentence each. */
  readonly apart: readonly string[];
}

export interface StatusParts {
  readonly cluster: () => ClusterStatus;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly clocks: PeerClocks;
  readonly startedAtMs: number;
  readonly wal: WriteAheadLog;
  /** Of the system group and then of each shard, in the order of their numbers. */
  readonly groups: readonly GroupState[];
  readonly blocks: BlockStore;
  readonly checkpointer: Checkpointer;
  readonly admission: Admission;
  readonly scrubber: Scrubber;
  readonly reloads: StateReloads;
  readonly digests: DigestComparer;
}

export async function statusOf(parts: StatusParts, readiness: Readiness): Promise<NodeStatus> {
  const { identity, clock, startedAtMs, wal, groups, blocks, checkpointer, admission } = parts;
  const { damagedFound, failure } = blocks.health();
  return {
    ...readiness,
    clusterId: identity.clusterId,
    nodeId: identity.nodeId,
    wallMs: clock.wallMs(),
    startedAtMs,
    clock: parts.clocks.standing,
    shards: groups.slice(1).map(({ appliedIndex }, shard) => ({ shard, appliedIndex })),
    log: {
      failed: wal.stopped === "poisoned",
      queuedBytes: wal.queuedBytes,
      segments: wal.segmentsCount,
      segmentsBytes: wal.segmentsBytes,
    },
    checkpoint: { lagEntries: lagEntries(parts), lagBytes: checkpointer.lagBytes },
    blocks: { ...blocks.usage(), damagedFound, failed: failure !== undefined },
    disk: await admission.space(),
    scrub: parts.scrubber.status(),
    replicas: replicasOf(parts),
    cluster: parts.cluster(),
  };
}

function replicasOf({ reloads, digests }: StatusParts): ReplicasStatus {
  const { underWay, done, last } = reloads.status;
  return { damaged: underWay, reloaded: done, lastReloaded: last, apart: digests.apart };
}

export function watchNode(metrics: Metrics, parts: StatusParts, look: () => Promise<Readiness>): void {
  metrics.watch(allMetrics.nodeReady, {}, async () => ((await look()).ready ? 1 : 0));
  metrics.watch(allMetrics.nodeWritable, {}, async () => ((await look()).writable ? 1 : 0));
  metrics.watch(allMetrics.appliedEntries, {}, () => appliedEntries(parts));
  metrics.watch(allMetrics.checkpointLagEntries, {}, () => lagEntries(parts));
  metrics.watch(allMetrics.clockAhead, {}, () => parts.clocks.standing.aheadMs / 1000);
  const lastScrub = (): ScrubStatus["last"] => parts.scrubber.status().last;
  metrics.watch(allMetrics.scrubFinished, {}, () => (lastScrub()?.finishedAtMs ?? 0) / 1000);
  metrics.watch(allMetrics.scrubDamage, {}, () => lastScrub()?.damagedBlocks ?? 0);
  metrics.watch(allMetrics.scrubStateProblems, {}, () => lastScrub()?.stateProblems.length ?? 0);
}

function appliedEntries({ groups }: StatusParts): number {
  return groups.reduce((sum, { appliedIndex }) => sum + appliedIndex, 0);
}

function lagEntries({ groups, wal }: StatusParts): number {
  return groups.reduce((sum, { group, appliedIndex }) => {
    return sum + appliedIndex - (wal.group(group)?.checkpoint ?? appliedIndex);
  }, 0);
}
