/** Documents of the native API that are more than a value or two. */

import { isRecord } from "./error-answer.ts";
import type { ScrubStatus } from "./maintenance.ts";
import { scrubFrom } from "./maintenance.ts";
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
  readonly blocks: { readonly blocks: number; readonly liveBytes: number; readonly deadBytes: number };
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number };
  readonly scrub: ScrubStatus;
  /** Whether reads and writes are served; otherwise `reason` says why not. */
  readonly ready: boolean;
  readonly reason: string | undefined;
}

export function statusFrom(document: Readonly<Record<string, unknown>>): ClusterStatus {
  const { clusterId, nodeId, shards, blocks, disk, scrub, ready, reason } = document;
  if (typeof clusterId !== "string" || typeof nodeId !== "string" || !Array.isArray(shards))
    throw notUnderstood();
  return {
    clusterId,
    nodeId,
    shards: shards.map((shard: unknown) => ({
      shard: count(shard, "shard"),
      appliedIndex: count(shard, "appliedIndex"),
    })),
    blocks: {
      blocks: count(blocks, "blocks"),
      liveBytes: count(blocks, "liveBytes"),
      deadBytes: count(blocks, "deadBytes"),
    },
    disk: { freeBytes: count(disk, "freeBytes"), totalBytes: count(disk, "totalBytes") },
    scrub: scrubFrom(isRecord(scrub) ? scrub : {}),
    ready: ready === true,
    reason: typeof reason === "string" ? reason : undefined,
  };
}

function count(document: unknown, member: string): number {
  const value = isRecord(document) ? document[member] : undefined;
  if (typeof value !== "number") throw notUnderstood();
  return value;
}
