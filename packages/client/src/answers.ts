/** Documents of the native API that are more than a value or two. */

import { numberIn } from "./document-members.ts";
import { isRecord } from "./error-answer.ts";
import type { ScrubStatus } from "./maintenance.ts";
import { scrubFrom, texts } from "./maintenance.ts";
import { notUnderstood } from "./read-answer.ts";

export interface BucketInfo {
  readonly name: string;
  readonly owner: string;
  readonly createdAtMs: number;
  readonly settings: {
    /** "replicas:N" or "erasure:K+M". */
    readonly redundancy: string;
    readonly blockBytes: number;
  };
}

export function bucketFrom(document: unknown): BucketInfo {
  const { name, owner, createdAtMs, settings } = isRecord(document) ? document : {};
  const { redundancy, blockBytes } = isRecord(settings) ? settings : {};
  if (typeof name !== "string" || typeof owner !== "string" || typeof createdAtMs !== "number")
    throw notUnderstood();
  if (typeof redundancy !== "string" || typeof blockBytes !== "number") throw notUnderstood();
  return { name, owner, createdAtMs, settings: { redundancy, blockBytes } };
}

export interface ClusterStatus {
  readonly clusterId: string;
  /** Of the node that answered. */
  readonly nodeId: string;
  readonly shards: readonly { readonly shard: number; readonly appliedIndex: number }[];
  readonly blocks: {
    readonly blocks: number;
    readonly volumes: number;
    readonly liveBytes: number;
    readonly deadBytes: number;
    /** Found by reads since the node started. */
    readonly damagedFound: number;
    /** Blocks are read and not written any more. */
    readonly failed: boolean;
  };
  readonly disk: {
    readonly freeBytes: number;
    readonly totalBytes: number;
    /** Free space below which new data is refused. */
    readonly reserveBytes: number;
  };
  readonly scrub: ScrubStatus;
  readonly replicas: ReplicasStatus;
  readonly log: {
    readonly failed: boolean;
    readonly queuedBytes: number;
    readonly segments: number;
    readonly segmentsBytes: number;
  };
  /** What a start would have to replay. */
  readonly checkpoint: { readonly lagEntries: number; readonly lagBytes: number };
  /** The node's clock, in milliseconds since 1970 UTC, and when it started by that clock; 0 when it does not say. */
  readonly wallMs: number;
  readonly startedAtMs: number;
  /**
   * That clock among the other nodes' clocks. `alone`: there are none, or none can be reached. `together`: most agree with it.
   * `unsure`: as many agree as disagree, or none was heard yet. `apart`: most disagree. `aheadMs`: of the median.
   */
  readonly clock: { readonly standing: ClockStanding; readonly aheadMs: number };
  /** Whether reads and deletes are served; otherwise `code` and `reason` say why not. */
  readonly ready: boolean;
  /** Whether new data is taken too. */
  readonly writable: boolean;
  readonly code: string | undefined;
  readonly reason: string | undefined;
  /** Of the process; undefined from a node that does not say. */
  readonly server: ServerFacts | undefined;
}

/** A group: 0 is the system group, 1 the first shard. */
export interface DamagedReplica {
  readonly group: number;
  readonly reason: string;
}

/** The states of the groups that live on the node. */
export interface ReplicasStatus {
  /** Not served there; they are being loaded anew from other nodes. */
  readonly damaged: readonly DamagedReplica[];
  /** Loaded anew since the node started, and the last of them. */
  readonly reloaded: number;
  readonly lastReloaded: DamagedReplica | undefined;
  /** Of groups whose replicas hold different states while no majority says which is right: a sentence each. */
  readonly apart: readonly string[];
}

export type ClockStanding = "alone" | "together" | "unsure" | "apart";

export interface ServerFacts {
  readonly version: string;
  readonly nodeVersion: string;
  readonly threadPoolSize: number;
  readonly openFilesMax: number | undefined;
}

/** What a node of an earlier version does not say is 0, or what was true of it then. */
export function statusFrom(document: Readonly<Record<string, unknown>>): ClusterStatus {
  const { clusterId, nodeId, shards, blocks, disk, log, checkpoint, scrub, ready } = document;
  if (typeof clusterId !== "string" || typeof nodeId !== "string" || !Array.isArray(shards))
    throw notUnderstood();
  return {
    clusterId,
    nodeId,
    shards: shards.map((shard: unknown) => ({
      shard: numberIn(shard, "shard"),
      appliedIndex: numberIn(shard, "appliedIndex"),
    })),
    blocks: {
      blocks: numberIn(blocks, "blocks"),
      volumes: countOr0(blocks, "volumes"),
      liveBytes: numberIn(blocks, "liveBytes"),
      deadBytes: numberIn(blocks, "deadBytes"),
      damagedFound: countOr0(blocks, "damagedFound"),
      failed: flag(blocks, "failed"),
    },
    disk: {
      freeBytes: numberIn(disk, "freeBytes"),
      totalBytes: numberIn(disk, "totalBytes"),
      reserveBytes: countOr0(disk, "reserveBytes"),
    },
    log: {
      failed: flag(log, "failed"),
      queuedBytes: countOr0(log, "queuedBytes"),
      segments: countOr0(log, "segments"),
      segmentsBytes: countOr0(log, "segmentsBytes"),
    },
    checkpoint: {
      lagEntries: countOr0(checkpoint, "lagEntries"),
      lagBytes: countOr0(checkpoint, "lagBytes"),
    },
    wallMs: countOr0(document, "wallMs"),
    startedAtMs: countOr0(document, "startedAtMs"),
    clock: clockFrom(document["clock"]),
    scrub: scrubFrom(isRecord(scrub) ? scrub : {}),
    replicas: replicasFrom(document["replicas"]),
    ready: ready === true,
    writable: typeof document["writable"] === "boolean" ? document["writable"] : ready === true,
    code: text(document, "code"),
    reason: text(document, "reason"),
    server: serverFrom(document["server"]),
  };
}

/** A node of before says nothing of them. */
function replicasFrom(document: unknown): ReplicasStatus {
  const { damaged, reloaded, lastReloaded, apart } = isRecord(document) ? document : {};
  return {
    damaged: Array.isArray(damaged) ? damaged.map(damagedReplica) : [],
    reloaded: typeof reloaded === "number" ? reloaded : 0,
    lastReloaded: lastReloaded === undefined ? undefined : damagedReplica(lastReloaded),
    apart: texts(apart),
  };
}

function damagedReplica(document: unknown): DamagedReplica {
  const { group, reason } = isRecord(document) ? document : {};
  if (typeof group !== "number" || typeof reason !== "string") throw notUnderstood();
  return { group, reason };
}

function clockFrom(document: unknown): ClusterStatus["clock"] {
  const { standing, aheadMs } = isRecord(document) ? document : {};
  const isKnown = standing === "together" || standing === "unsure" || standing === "apart";
  return { standing: isKnown ? standing : "alone", aheadMs: typeof aheadMs === "number" ? aheadMs : 0 };
}

function serverFrom(document: unknown): ServerFacts | undefined {
  if (!isRecord(document)) return undefined;
  const openFilesMax = document["openFilesMax"];
  return {
    version: text(document, "version") ?? "unknown",
    nodeVersion: text(document, "nodeVersion") ?? "unknown",
    threadPoolSize: countOr0(document, "threadPoolSize"),
    openFilesMax: typeof openFilesMax === "number" ? openFilesMax : undefined,
  };
}

function countOr0(document: unknown, member: string): number {
  const value = isRecord(document) ? document[member] : undefined;
  return typeof value === "number" ? value : 0;
}

function flag(document: unknown, member: string): boolean {
  return isRecord(document) && document[member] === true;
}

function text(document: unknown, member: string): string | undefined {
  const value = isRecord(document) ? document[member] : undefined;
  return typeof value === "string" ? value : undefined;
}
