import type { BucketId, Codec, ErrorCode } from "@holdfast/base";
import { branded, integer, record, text, union, variant, versioned } from "@holdfast/base";
import type { Bucket, BucketSettings } from "@holdfast/namespace";
import { bucketSettingsCodec } from "@holdfast/namespace";

/** What one entry of the system group's log can say. */
export type SystemCommand =
  /** First entry of a cluster; a second one is refused. */
  | { readonly kind: "createCluster"; readonly clusterId: string; readonly shardCount: number }
  | {
      readonly kind: "createBucket";
      readonly name: string;
      readonly owner: string;
      readonly shardCount: number;
      readonly firstShard: number;
      readonly settings: BucketSettings;
    }
  /** Every shard of the bucket has it now. */
  | { readonly kind: "activateBucket"; readonly bucket: BucketId }
  /** Marks it; sealing the shards follows (S17). */
  | { readonly kind: "beginBucketDelete"; readonly bucket: BucketId }
  /** All shards were sealed and empty: the bucket and its name are gone. */
  | { readonly kind: "finishBucketDelete"; readonly bucket: BucketId }
  /** A shard was not empty: back to active. */
  | { readonly kind: "cancelBucketDelete"; readonly bucket: BucketId };

export interface SystemEntry {
  readonly timeMs: number;
  readonly command: SystemCommand;
}

const bucketOnly = record({ bucket: branded<BucketId>() });

export const systemEntryCodec: Codec<SystemEntry> = versioned(
  1,
  record({
    timeMs: integer,
    command: union({
      createCluster: variant(1, record({ clusterId: text, shardCount: integer })),
      createBucket: variant(
        2,
        record({
          name: text,
          owner: text,
          shardCount: integer,
          firstShard: integer,
          settings: bucketSettingsCodec,
        }),
      ),
      activateBucket: variant(3, bucketOnly),
      beginBucketDelete: variant(4, bucketOnly),
      finishBucketDelete: variant(5, bucketOnly),
      cancelBucketDelete: variant(6, bucketOnly),
    }),
  }),
);

export type SystemResult =
  | { readonly kind: "done" }
  | { readonly kind: "bucket"; readonly bucket: Bucket }
  | { readonly kind: "refused"; readonly code: ErrorCode };
