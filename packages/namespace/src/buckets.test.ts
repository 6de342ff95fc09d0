import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bucketId } from "@holdfast/base";
import { MemoryState } from "@holdfast/ports";
import { scopeOf } from "../test-support/samples.ts";
import {
  activateBucket,
  beginBucketDelete,
  cancelBucketDelete,
  createBucket,
  createCluster,
  findBucketById,
  findBucketByName,
  findCluster,
  finishBucketDelete,
  listBuckets,
} from "./buckets.ts";
import { judgeCondition } from "./condition.ts";
import { refusal } from "./entry-scope.ts";

const settings = { redundancy: { dataFragments: 1, parityFragments: 0 }, blockBytes: 1_048_576 };
const request = { name: "photos", owner: "alice", shardCount: 4, firstShard: 3, settings };

function cluster(): MemoryState {
  const state = new MemoryState();
  assert.equal(createCluster(scopeOf(1, 5, state), "c1", 4), undefined);
  return state;
}

describe("buckets of the system group", () => {
  it("a cluster is created once", () => {
    const state = cluster();
    assert.deepEqual(createCluster(scopeOf(2, 9, state), "c2", 8), refusal("InvalidRequest"));
    assert.deepEqual(findCluster(state), { clusterId: "c1", shardCount: 4, createdAtMs: 5 });
    assert.deepEqual(createBucket(scopeOf(1, 1), request), refusal("InvalidRequest"), "no cluster yet");
  });

  it("a bucket goes creating, active, deleting, gone; its id is its entry's index", () => {
    const state = cluster();
    const created = createBucket(scopeOf(12, 9, state), request);
    const id = bucketId(12);
    assert.deepEqual(created, { id, ...request, createdAtMs: 9, state: "creating" });
    assert.deepEqual(findBucketByName(state, "photos"), created);
    assert.deepEqual(finishBucketDelete(state, id), refusal("InvalidRequest"), "not marked");
    for (let i = 0; i < 2; i++) assert.deepEqual(activateBucket(state, id), { ...created, state: "active" });
    for (let i = 0; i < 2; i++)
      assert.deepEqual(beginBucketDelete(state, id), { ...created, state: "deleting" });
    assert.deepEqual(activateBucket(state, id), refusal("InvalidRequest"));
    assert.deepEqual(cancelBucketDelete(state, id), { ...created, state: "active" });
    beginBucketDelete(state, id);
    assert.equal(finishBucketDelete(state, id), undefined);
    assert.deepEqual(finishBucketDelete(state, id), refusal("BucketNotFound"));
    assert.equal(findBucketById(state, id), undefined);
    assert.equal(findBucketByName(state, "photos"), undefined);
    assert.notEqual(createBucket(scopeOf(20, 9, state), request), refusal("BucketAlreadyExists"));
  });

  it("names are unique, also while the bucket is deleted", () => {
    const state = cluster();
    createBucket(scopeOf(12, 9, state), request);
    const again = (owner: string): unknown => createBucket(scopeOf(13, 9, state), { ...request, owner });
    assert.deepEqual(again("alice"), refusal("BucketAlreadyOwnedByYou"));
    assert.deepEqual(again("bob"), refusal("BucketAlreadyExists"));
    beginBucketDelete(state, bucketId(12));
    assert.deepEqual(again("alice"), refusal("BucketAlreadyExists"));
  });

  it("a bucket does not spread over more shards than there are, and has a name", () => {
    const state = cluster();
    for (const wrong of [{ shardCount: 0 }, { shardCount: 5 }, { firstShard: 4 }]) {
      assert.deepEqual(
        createBucket(scopeOf(12, 9, state), { ...request, ...wrong }),
        refusal("InvalidRequest"),
      );
    }
    for (const name of ["", "n".repeat(256)]) {
      assert.deepEqual(
        createBucket(scopeOf(12, 9, state), { ...request, name }),
        refusal("InvalidBucketName"),
      );
    }
  });

  it("buckets are listed by name", () => {
    const state = cluster();
    for (const [i, name] of ["b", "a", "c"].entries())
      createBucket(scopeOf(10 + i, 9, state), { ...request, name });
    assert.deepEqual(
      listBuckets(state).map(({ name, id }) => [name, id]),
      [
        ["a", 11],
        ["b", 10],
        ["c", 12],
      ],
    );
  });
});

describe("conditions", () => {
  it("If-Match needs a file with one of its ETags; If-None-Match refuses one", () => {
    const any = { kind: "any" } as const;
    const e1 = { kind: "etags", etags: ["e0", "e1"] } as const;
    const none = undefined;
    const failed = refusal("ConditionFailed", "e1");
    const cases = [
      [{ ifMatch: any, ifNoneMatch: none }, none, refusal("FileNotFound")],
      [{ ifMatch: e1, ifNoneMatch: none }, none, refusal("FileNotFound")],
      [{ ifMatch: any, ifNoneMatch: none }, "e1", none],
      [{ ifMatch: e1, ifNoneMatch: none }, "e1", none],
      [{ ifMatch: { kind: "etags", etags: ["e2"] }, ifNoneMatch: none }, "e1", failed],
      [{ ifMatch: none, ifNoneMatch: any }, none, none],
      [{ ifMatch: none, ifNoneMatch: any }, "e1", failed],
      [{ ifMatch: none, ifNoneMatch: e1 }, "e1", failed],
      [{ ifMatch: none, ifNoneMatch: e1 }, "e2", none],
      [{ ifMatch: none, ifNoneMatch: none }, "e1", none],
    ] as const;
    for (const [condition, etag, expected] of cases)
      assert.deepEqual(judgeCondition(condition, etag), expected);
  });
});
