import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bucketId, crc32 } from "@holdfast/base";
import { shardOfKey, shardsOfBucket } from "./shard-of-key.ts";

const wide = { id: bucketId(12), firstShard: 5, shardCount: 16 };

describe("the shard of a key", () => {
  it("never changes: golden vectors", () => {
    const keys = ["a", "photos/2026/cat.jpg", "é", "", "\u{1f600}"];
    assert.deepEqual(
      keys.map((key) => shardOfKey(wide, key, 64, crc32)),
      goldenShards,
    );
    const other = { ...wide, id: bucketId(2 ** 40) };
    assert.deepEqual(
      keys.map((key) => shardOfKey(other, key, 64, crc32)),
      goldenShardsOfOther,
    );
  });

  it("is one of the bucket's, which wrap around the cluster's", () => {
    const bucket = { id: bucketId(9), firstShard: 14, shardCount: 4 };
    assert.deepEqual(shardsOfBucket(bucket, 16), [14, 15, 0, 1]);
    const used = new Set(Array.from({ length: 200 }, (_, i) => shardOfKey(bucket, `k${i}`, 16, crc32)));
    assert.deepEqual(used, new Set(shardsOfBucket(bucket, 16)));
  });

  it("spreads keys evenly, whatever their pattern", () => {
    const patterns = [
      (i: number): string => `file-${i}`,
      (i: number): string => `${i}`.padStart(8, "0"),
      (i: number): string => `${i * 16}`,
      (i: number): string => `2026/01/${String.fromCharCode(97 + (i % 26))}/${i}.log`,
    ];
    for (const [p, pattern] of patterns.entries()) {
      for (const shardCount of [3, 16]) {
        const counts = new Map<number, number>();
        for (let i = 0; i < 16_000; i++) {
          const shard = shardOfKey({ ...wide, shardCount }, pattern(i), 64, crc32);
          counts.set(shard, (counts.get(shard) ?? 0) + 1);
        }
        const mean = 16_000 / shardCount;
        // Five standard deviations of a fair spread.
        for (const count of counts.values()) {
          assert.ok(
            Math.abs(count - mean) < 5 * Math.sqrt(mean),
            `pattern ${p}, ${shardCount} shards: ${count} of ${mean}`,
          );
        }
        assert.equal(counts.size, shardCount);
      }
    }
  });
});

const goldenShards: readonly number[] = [9, 20, 11, 12, 6];
const goldenShardsOfOther: readonly number[] = [16, 15, 13, 15, 16];
