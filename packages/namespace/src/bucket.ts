import type { BucketId, Codec } from "@holdfast/base";
import { boolean, branded, integer, oneOf, record, text, versioned } from "@holdfast/base";
import type { Redundancy } from "./content.ts";
import { redundancyCodec } from "./content.ts";

/** What changes the meaning of a commit, installed in each of the bucket's shards (S17). */
export interface BucketSettings {
  readonly redundancy: Redundancy;
  readonly blockBytes: number;
}

export const bucketSettingsCodec: Codec<BucketSettings> = record({
  redundancy: redundancyCodec,
  blockBytes: integer,
});

/** A bucket as the system group knows it. */
export interface Bucket {
  readonly id: BucketId;
  readonly name: string;
  readonly createdAtMs: number;
  readonly owner: string;
  /** The bucket's files spread over this many shards, from `firstShard` on, modulo the cluster's (S19). */
  readonly shardCount: number;
  readonly firstShard: number;
  readonly settings: BucketSettings;
  /** `creating` until every shard has it, `deleting` from the mark on until it is removed or found in use (S17). */
  readonly state: "creating" | "active" | "deleting";
}

export const bucketCodec: Codec<Bucket> = versioned(
  1,
  record({
    id: branded<BucketId>(),
    name: text,
    createdAtMs: integer,
    owner: text,
    shardCount: integer,
    firstShard: integer,
    settings: bucketSettingsCodec,
    state: oneOf(["creating", "active", "deleting"] as const),
  }),
);

/** A bucket as one of its shards knows it. Sealed: commits, parts and uploads are refused. */
export interface InstalledBucket {
  readonly id: BucketId;
  readonly settings: BucketSettings;
  readonly sealed: boolean;
}

export const installedBucketCodec: Codec<InstalledBucket> = versioned(
  1,
  record({ id: branded<BucketId>(), settings: bucketSettingsCodec, sealed: boolean }),
);
