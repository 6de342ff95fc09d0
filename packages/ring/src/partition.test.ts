import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt, blockKey, shardId, writerId } from "@holdfast/base";
import { blockHash, partitionBitsFor, partitionOfHash } from "./partition.ts";

test("a partition is the top bits of the hash: equal arcs, in the order of the ring", () => {
  assert.equal(partitionOfHash(0, 4), 0);
  assert.equal(partitionOfHash(0x0fff_ffff, 4), 0);
  assert.equal(partitionOfHash(0x1000_0000, 4), 1);
  assert.equal(partitionOfHash(0xffff_ffff, 4), 15);
  assert.equal(partitionOfHash(0xffff_ffff, 16), 65_535);
  assert.equal(partitionOfHash(0x7fff_ffff, 1), 0);
  assert.equal(partitionOfHash(0x8000_0000, 1), 1);
});

test("blocks spread evenly, whether parts, sequences, salts or attempts follow each other", () => {
  const content = { home: shardId(3), writer: writerId(77), attempt: attempt(5) };
  const id = { content, part: 1, sequence: 0, salt: 0 };
  const patterns = [
    (i: number) => ({ ...id, sequence: i }),
    (i: number) => ({ ...id, part: i }),
    (i: number) => ({ ...id, salt: i }),
    (i: number) => ({ ...id, content: { ...content, attempt: attempt(i) } }),
    (i: number) => ({ ...id, content: { ...content, writer: writerId(100 * i) } }),
  ];
  for (const pattern of patterns) {
    const counts = new Uint32Array(64);
    for (let i = 0; i < 64_000; i++) {
      const partition = partitionOfHash(blockHash(blockKey(pattern(i))), 6);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    // Five standard deviations of a fair spread.
    for (const count of counts) assert.ok(Math.abs(count - 1000) < 5 * Math.sqrt(1000), String(count));
  }
});

test("the number of partitions grows with the cluster that is planned, within limits", () => {
  assert.equal(partitionBitsFor(1), 10);
  assert.equal(partitionBitsFor(51), 10);
  assert.equal(partitionBitsFor(52), 11);
  assert.equal(partitionBitsFor(100), 11);
  assert.equal(partitionBitsFor(200), 12);
  assert.equal(partitionBitsFor(1000), 15);
  assert.equal(partitionBitsFor(100_000), 16);
});
