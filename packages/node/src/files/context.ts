/** What every operation on files works with. */

import type { ShardId } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import type { Bucket } from "@holdfast/namespace";
import type { Clock, Hashing, Journal } from "@holdfast/ports";
import type { Admission } from "../admission.ts";
import type { BucketAdmin } from "../buckets/bucket-admin.ts";
import type { BucketDirectory } from "../buckets/bucket-directory.ts";
import type { ReadAhead } from "../content/read-ahead.ts";
import { checkKey } from "../names.ts";
import type { ShardReplica } from "../shard-replica.ts";

export interface FilesContext {
  readonly directory: BucketDirectory;
  readonly admin: BucketAdmin;
  readonly shard: (id: ShardId) => ShardReplica;
  readonly blocks: BlockStore;
  readonly admission: Admission;
  readonly readAhead: ReadAhead;
  readonly hashing: Hashing;
  readonly clock: Clock;
  /** Of the request that an operation serves, when there is one: its lines carry the request's id. */
  readonly journal: Journal;
  readonly clusterShardCount: number;
}

export interface Place {
  readonly bucket: Bucket;
  readonly key: string;
  readonly shard: ShardReplica;
}

/** The bucket and the shard of a file to be changed, its name checked. */
export async function locate(context: FilesContext, bucketName: string, key: string): Promise<Place> {
  checkKey(key);
  return placeOf(context, await context.directory.active(bucketName), key);
}

/** As `locate`, for reading. */
export async function locateForRead(context: FilesContext, bucketName: string, key: string): Promise<Place> {
  checkKey(key);
  return placeOf(context, await context.directory.readable(bucketName), key);
}

function placeOf(context: FilesContext, bucket: Bucket, key: string): Place {
  return { bucket, key, shard: context.shard(context.directory.shardOf(bucket, key)) };
}
