import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { attempt } from "@holdfast/base";
import { MemoryState } from "@holdfast/ports";
import { bucket, contentIdOf, sampleEpoch, samplePart, scopeOf } from "../test-support/samples.ts";
import { noAttributes } from "./attributes.ts";
import { deadContents } from "./contents.ts";
import { refusal } from "./entry-scope.ts";
import { installBucket, isBucketRemoved, sealBucket } from "./installed-buckets.ts";
import { checkNamespaceInvariants } from "./invariants.ts";
import { removeBucket } from "./remove-bucket.ts";
import { createUpload, findUpload, putPart } from "./uploads.ts";

const settings = { redundancy: { dataFragments: 1, parityFragments: 0 }, blockBytes: 65_536 };

/** Uploads with so many parts each, in a sealed bucket. */
function sealedWith(parts: readonly number[]): MemoryState {
  const state = new MemoryState();
  installBucket(scopeOf(1, 1, state), bucket, settings);
  let stream = 0;
  for (const [i, count] of parts.entries()) {
    const upload = 10 + i;
    const request = { bucket, key: `u-${i}`, attributes: noAttributes };
    createUpload(scopeOf(upload, 2, state), {
      ...request,
      checksumAlgorithm: undefined,
      checksumScope: undefined,
    });
    for (let number = 1; number <= count; number++) {
      const id = contentIdOf(3, samplePart.writer, ++stream);
      const part = { ...samplePart, number, attempt: attempt(stream) };
      const request = { bucket, key: `u-${i}`, upload, part, evidenceEpoch: sampleEpoch };
      const stored = putPart(scopeOf(100 + stream, 3, state), id, request);
      assert.equal(stored.kind, "partStored");
    }
  }
  sealBucket(scopeOf(90_000, 4, state), bucket);
  return state;
}

describe("removing a bucket", () => {
  it("a bucket of few uploads goes in one entry, and again changes nothing", () => {
    const state = sealedWith([2, 0, 3]);
    assert.deepEqual(removeBucket(scopeOf(90_001, 5, state), bucket), { kind: "done" });
    assert.deepEqual(removeBucket(scopeOf(90_002, 5, state), bucket), { kind: "done" });
    assert.equal(isBucketRemoved(state, bucket), true);
    assert.equal(deadContents(state, 10, 100).length, 5);
  });

  it("one of many parts and uploads goes in several entries of bounded work, sound between any two (S17)", () => {
    const counts = [1500, 300, ...Array.from({ length: 698 }, () => 0)];
    const state = sealedWith(counts);
    let dead = 0;
    let entries = 0;
    for (let removed = false; !removed; entries++) {
      const answer = removeBucket(scopeOf(90_001 + entries, 5, state), bucket);
      removed = answer.kind === "done";
      const now = deadContents(state, 10, 10_000).length;
      assert.ok(now - dead <= 1000, `${now - dead} parts died in one entry`);
      dead = now;
      checkNamespaceInvariants(state, scopeOf(1, 1).shard);
      assert.equal(isBucketRemoved(state, bucket), removed);
      const upload = findUpload(state, { bucket, key: "u-99", upload: 109 });
      assert.equal(upload !== undefined, !removed, "the last upload goes last");
    }
    assert.equal(dead, 1800);
    assert.ok(entries === 3, `${entries} entries`);
  });

  it("an open bucket is not removed", () => {
    const state = new MemoryState();
    installBucket(scopeOf(1, 1, state), bucket, settings);
    assert.deepEqual(removeBucket(scopeOf(2, 2, state), bucket), refusal("InvalidRequest"));
  });
});
