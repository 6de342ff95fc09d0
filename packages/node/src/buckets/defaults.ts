import { crc32, limits, StoreError, utf8 } from "@holdfast/base";
import type { BucketSettings, Redundancy } from "@holdfast/namespace";

/** replicas:1, all that one node can keep; growth shows as repair work later. */
export const singleReplica: Redundancy = { dataFragments: 1, parityFragments: 0 };

/** What was asked for and, where nothing was, the defaults. */
export function bucketSettings(
  requested: Partial<BucketSettings> | undefined,
  defaultRedundancy: Redundancy,
): BucketSettings {
  return { redundancy: defaultRedundancy, blockBytes: limits.blockBytesDefault, ...requested };
}

/** What cannot be kept must not look as if it were: "NotImplemented" for erasure coding, "InvalidArgument" beyond the nodes. */
export function checkRedundancy(
  { dataFragments, parityFragments }: Redundancy,
  placeableCount: number,
): void {
  if (dataFragments !== 1)
    throw new StoreError("NotImplemented", "Erasure coding is not implemented yet. Use replicas:N.");
  const width = dataFragments + parityFragments;
  if (width <= placeableCount) return;
  const nodes = placeableCount === 1 ? "1 node" : `${placeableCount} nodes`;
  throw new StoreError(
    "InvalidArgument",
    `replicas:${width} needs ${width} nodes that are not draining; this cluster has ${nodes}.`,
    { fields: { replicas: width, nodes: placeableCount } },
  );
}

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
