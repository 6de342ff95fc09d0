/** The system group's record of the cluster and of its buckets: names are unique, ids are never used again (S17). */

import type { BucketId, Codec } from "@holdfast/base";
import {
  ByteReader,
  ByteWriter,
  bucketId,
  decode,
  encode,
  integer,
  record,
  text,
  utf8,
  versioned,
} from "@holdfast/base";
import type { StateReader, StateWriter } from "@holdfast/ports";
import type { Bucket, BucketSettings } from "./bucket.ts";
import { bucketCodec } from "./bucket.ts";
import type { EntryScope, Refusal } from "./entry-scope.ts";
import { refusal } from "./entry-scope.ts";
import { pairsUnder } from "./key-ranges.ts";
import { bucketKey, bucketNameKey, clusterKey, numbersKey, tables } from "./state-keys.ts";

/** What a cluster is created with, once. */
export interface Cluster {
  readonly clusterId: string;
  readonly shardCount: number;
  /** Cluster time of its first entry. */
  readonly createdAtMs: number;
}

export const clusterCodec: Codec<Cluster> = versioned(
  1,
  record({ clusterId: text, shardCount: integer, createdAtMs: integer }),
);

export interface CreateBucket {
  readonly name: string;
  readonly owner: string;
  readonly shardCount: number;
  readonly firstShard: number;
  readonly settings: BucketSettings;
}

/** Longer than any protocol's names, and short enough for a state key. */
const bucketNameBytesMax = 255;

export function findCluster(state: StateReader): Cluster | undefined {
  const stored = state.get(clusterKey);
  return stored === undefined ? undefined : decode(clusterCodec, stored);
}

export function findBucketById(state: StateReader, id: BucketId): Bucket | undefined {
  const stored = state.get(bucketKey(id));
  return stored === undefined ? undefined : decode(bucketCodec, stored);
}

export function findBucketByName(state: StateReader, name: string): Bucket | undefined {
  const stored = state.get(bucketNameKey(name));
  return stored === undefined ? undefined : findBucketById(state, bucketId(new ByteReader(stored).u53()));
}

/** In whatever state they are, by name in UTF-8 byte order. */
export function listBuckets(state: StateReader): readonly Bucket[] {
  const buckets: Bucket[] = [];
  for (const { value } of pairsUnder(state, numbersKey(tables.bucketNames))) {
    const bucket = findBucketById(state, bucketId(new ByteReader(value).u53()));
    if (bucket !== undefined) buckets.push(bucket);
  }
  return buckets;
}

export function createCluster(
  { state, timeMs }: Pick<EntryScope, "state" | "timeMs">,
  clusterId: string,
  shardCount: number,
): Refusal | undefined {
  if (findCluster(state) !== undefined || shardCount < 1) return refusal("InvalidRequest");
  state.put(clusterKey, encode(clusterCodec, { clusterId, shardCount, createdAtMs: timeMs }));
  return undefined;
}

/** In state `creating`: it becomes active once each of its shards has it (S17). */
export function createBucket(
  { state, index, timeMs }: Pick<EntryScope, "state" | "index" | "timeMs">,
  request: CreateBucket,
): Bucket | Refusal {
  const { name, owner, shardCount, firstShard, settings } = request;
  const cluster = findCluster(state);
  if (cluster === undefined) return refusal("InvalidRequest");
  if (shardCount < 1 || shardCount > cluster.shardCount || firstShard >= cluster.shardCount)
    return refusal("InvalidRequest");
  const nameBytes = utf8(name).length;
  if (nameBytes < 1 || nameBytes > bucketNameBytesMax) return refusal("InvalidBucketName");
  const existing = findBucketByName(state, name);
  if (existing !== undefined) {
    const isOwn = existing.owner === owner && existing.state !== "deleting";
    return refusal(isOwn ? "BucketAlreadyOwnedByYou" : "BucketAlreadyExists");
  }
  const id = bucketId(index);
  const bucket: Bucket = {
    id,
    name,
    createdAtMs: timeMs,
    owner,
    shardCount,
    firstShard,
    settings,
    state: "creating",
  };
  storeBucket(state, bucket);
  const nameValue = new ByteWriter(8);
  nameValue.u53(id);
  state.put(bucketNameKey(name), nameValue.finish());
  return bucket;
}

/** Creating to active; idempotent. */
export function activateBucket(state: StateWriter, id: BucketId): Bucket | Refusal {
  const bucket = findBucketById(state, id);
  if (bucket === undefined) return refusal("BucketNotFound");
  return bucket.state === "deleting" ? refusal("InvalidRequest") : become(state, bucket, "active");
}

/** The mark that sealing its shards follows; idempotent. */
export function beginBucketDelete(state: StateWriter, id: BucketId): Bucket | Refusal {
  const bucket = findBucketById(state, id);
  return bucket === undefined ? refusal("BucketNotFound") : become(state, bucket, "deleting");
}

/** A shard had files: the bucket goes on. Idempotent. */
export function cancelBucketDelete(state: StateWriter, id: BucketId): Bucket | Refusal {
  const bucket = findBucketById(state, id);
  if (bucket === undefined) return refusal("BucketNotFound");
  return bucket.state === "creating" ? refusal("InvalidRequest") : become(state, bucket, "active");
}

/** The bucket and its name are gone. Only behind the mark. */
export function finishBucketDelete(state: StateWriter, id: BucketId): Refusal | undefined {
  const bucket = findBucketById(state, id);
  if (bucket === undefined) return refusal("BucketNotFound");
  if (bucket.state !== "deleting") return refusal("InvalidRequest");
  state.remove(bucketKey(id));
  state.remove(bucketNameKey(bucket.name));
  return undefined;
}

function become(state: StateWriter, bucket: Bucket, next: Bucket["state"]): Bucket {
  if (bucket.state === next) return bucket;
  const changed = { ...bucket, state: next };
  storeBucket(state, changed);
  return changed;
}

function storeBucket(state: StateWriter, bucket: Bucket): void {
  state.put(bucketKey(bucket.id), encode(bucketCodec, bucket));
}
