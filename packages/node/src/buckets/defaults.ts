import { crc32, limits, utf8 } from "@holdfast/base";
import type { BucketSettings } from "@holdfast/namespace";

/** One node keeps one replica; growth shows as repair work later. */
export const defaultSettings: BucketSettings = {
  redundancy: { dataFragments: 1, parityFragments: 0 },
  blockBytes: limits.blockBytesDefault,
};

/** A bucket spreads over at most this many shards (S19). */
const shardsPerBucket = 16;

/** Over which shards a new bucket spreads: beginning somewhere else for each. */
export function spread(
  name: string,
  clusterShardCount: number,
): { readonly shardCount: number; readonly firstShard: number } {
  return {
    shardCount: Math.min(shardsPerBucket, clusterShardCount),
    firstShard: crc32(utf8(name)) % clusterShardCount,
  };
}
