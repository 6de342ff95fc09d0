import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AssertionError, bucketId, encode, logIndex } from "@holdfast/base";
import { clusterTimeMs, findBucketByName, findCluster } from "@holdfast/namespace";
import { MemoryState } from "@holdfast/ports";
import type { SystemCommand, SystemResult } from "./system-command.ts";
import { systemEntryCodec } from "./system-command.ts";
import { SystemMachine } from "./system-machine.ts";

const settings = { redundancy: { dataFragments: 1, parityFragments: 2 }, blockBytes: 1_048_576 };

class Harness {
  readonly state: MemoryState = new MemoryState();
  readonly #machine = new SystemMachine(this.state);
  #index = 0;

  apply(command: SystemCommand, timeMs: number = 50): SystemResult {
    this.#index += 1;
    return this.#machine.apply({
      index: logIndex(this.#index),
      command: encode(systemEntryCodec, { timeMs, command }),
    });
  }
}

describe("the system group", () => {
  it("carries a bucket from its creation to its deletion", () => {
    const system = new Harness();
    assert.deepEqual(system.apply({ kind: "createCluster", clusterId: "c", shardCount: 4 }, 90), {
      kind: "done",
    });
    const second = system.apply({ kind: "createCluster", clusterId: "d", shardCount: 4 });
    assert.deepEqual(second, { kind: "refused", code: "InvalidRequest", subject: "" });
    assert.equal(findCluster(system.state)?.clusterId, "c");
    const create = {
      kind: "createBucket",
      name: "b",
      owner: "o",
      shardCount: 2,
      firstShard: 1,
      settings,
    } as const;
    const created = system.apply(create);
    assert.equal(created.kind === "bucket" && created.bucket.createdAtMs, 90, "S16: time does not go back");
    const bucket = bucketId(3);
    assert.deepEqual(system.apply(create), { kind: "refused", code: "BucketAlreadyOwnedByYou", subject: "" });
    for (const [kind, state] of [
      ["activateBucket", "active"],
      ["beginBucketDelete", "deleting"],
      ["cancelBucketDelete", "active"],
      ["beginBucketDelete", "deleting"],
    ] as const) {
      const result = system.apply({ kind, bucket });
      assert.equal(result.kind === "bucket" && result.bucket.state, state);
    }
    assert.deepEqual(system.apply({ kind: "finishBucketDelete", bucket }), { kind: "done" });
    assert.equal(findBucketByName(system.state, "b"), undefined);
    assert.deepEqual(system.apply({ kind: "activateBucket", bucket }), {
      kind: "refused",
      code: "BucketNotFound",
      subject: "",
    });
    assert.equal(clusterTimeMs(system.state), 90);
  });

  it("takes bytes that are no command for a broken invariant", () => {
    const machine = new SystemMachine(new MemoryState());
    assert.throws(() => machine.apply({ index: logIndex(1), command: Uint8Array.of(9) }), AssertionError);
  });
});
