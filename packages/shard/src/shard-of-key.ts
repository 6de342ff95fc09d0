import type { ShardId } from "@holdfast/base";
import { ByteWriter, shardId, utf8 } from "@holdfast/base";
import type { Bucket } from "@holdfast/namespace";

/**
 * The shard a file's key lives in (S19): a bucket's keys spread evenly over its own shards, which begin at `firstShard` and
 * wrap around the cluster's. Fixed for ever: a key that hashed elsewhere would be lost. `crc32` is CRC-32 (IEEE).
 */
export function shardOfKey(
  bucket: Pick<Bucket, "id" | "firstShard" | "shardCount">,
  key: string,
  clusterShardCount: number,
  crc32: (data: Uint8Array) => number,
): ShardId {
  const bytes = utf8(key);
  const named = new ByteWriter(8 + bytes.length);
  named.u53(bucket.id);
  named.raw(bytes);
  const place = mixed(crc32(named.finish())) % bucket.shardCount;
  return shardId((bucket.firstShard + place) % clusterShardCount);
}

/** All shards of a bucket, in the order of places. */
export function shardsOfBucket(
  { firstShard, shardCount }: Pick<Bucket, "firstShard" | "shardCount">,
  clusterShardCount: number,
): readonly ShardId[] {
  return Array.from({ length: shardCount }, (_, place) => shardId((firstShard + place) % clusterShardCount));
}

/** MurmurHash3's finalizer: a CRC is linear, so that its low bits alone follow the key's patterns. */
function mixed(crc: number): number {
  let h = crc;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
