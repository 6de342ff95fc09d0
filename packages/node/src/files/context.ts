/** What every operation on files works with. */

import type { Awaitable, ShardId } from "@holdfast/base";
import { andThen } from "@holdfast/base";
import type { Bucket, Redundancy } from "@holdfast/namespace";
import type { Clock, Hashing, Journal } from "@holdfast/ports";
import type { Admission } from "../admission.ts";
import type { BucketAdmin } from "../buckets/bucket-admin.ts";
import type { BucketDirectory } from "../buckets/bucket-directory.ts";
import type { ReadAhead } from "../content/read-ahead.ts";
import { checkKey } from "../names.ts";
import type { ShardReplica } from "../shard-replica.ts";
import type { FileBlocks } from "./file-blocks.ts";

export interface FilesContext {
  readonly directory: BucketDirectory;
  readonly admin: BucketAdmin;
  readonly shard: (id: ShardId) => ShardReplica;
  readonly blocks: FileBlocks;
  readonly admission: Admission;
  readonly readAhead: ReadAhead;
  readonly hashing: Hashing;
  readonly clock: Clock;
  /** Of the request that an operation serves, when there is one: its lines carry the request's id. */
  readonly journal: Journal;
  readonly clusterShardCount: number;
  /** Of buckets that are made without saying: what the cluster can keep. */
  readonly defaultRedundancy: () => Redundancy;
  /** Nodes that take new blocks: those of the layout that are not draining. */
  readonly placeableCount: () => number;
}

export interface Place {
  readonly bucket: Bucket;
  readonly key: string;
  readonly shard: ShardReplica;
}

/** The bucket and the shard of a file to be changed, its name checked; the shard has a writer, or will not have one soon. */
export function locate(context: FilesContext, bucketName: string, key: string): Awaitable<Place> {
  checkKey(key);
  return andThen(context.directory.active(bucketName), (bucket) => {
    const place = placeOf(context, bucket, key);
    return place.shard.hasWriter ? place : place.shard.writerSoon().then(() => place);
  });
}

/** As `locate`, for reading. */
export function locateForRead(context: FilesContext, bucketName: string, key: string): Awaitable<Place> {
  checkKey(key);
  return andThen(context.directory.readable(bucketName), (bucket) => placeOf(context, bucket, key));
}

function placeOf(context: FilesContext, bucket: Bucket, key: string): Place {
  return { bucket, key, shard: context.shard(context.directory.shardOf(bucket, key)) };
}
