/**
 * Buckets by name, from the system group's state, and which shard a file lives in. Decoded records are kept until the
 * system group applies its next entry.
 */

import type { Awaitable, ShardId } from "@holdfast/base";
import { andThen, StoreError } from "@holdfast/base";
import type { Bucket } from "@holdfast/namespace";
import { findBucketByName, listBuckets } from "@holdfast/namespace";
import type { Hashing, ReplicatedLog, StateReader } from "@holdfast/ports";
import type { SystemResult } from "@holdfast/shard";
import { shardOfKey, shardsOfBucket } from "@holdfast/shard";
import { checkBucketName } from "../names.ts";

export class BucketDirectory {
  readonly #log: ReplicatedLog<SystemResult>;
  readonly #state: StateReader;
  readonly #clusterShardCount: number;
  readonly #hashing: Hashing;
  readonly #known = new Map<string, Bucket>();
  #knownAtIndex = 0;

  constructor(
    log: ReplicatedLog<SystemResult>,
    state: StateReader,
    clusterShardCount: number,
    hashing: Hashing,
  ) {
    this.#hashing = hashing;
    this.#log = log;
    this.#state = state;
    this.#clusterShardCount = clusterShardCount;
  }

  /**
   * The bucket of this name, to be written to. While somebody tries to delete it, nobody knows whether it will be there
   * afterwards: the caller is told to come again.
   */
  active(name: string): Awaitable<Bucket> {
    return andThen(this.readable(name), activeBucket);
  }

  /** The bucket of this name, to be read from: it is there until its deletion has succeeded (S17). */
  readable(name: string): Awaitable<Bucket> {
    return andThen(this.find(name), (bucket) => readableBucket(name, bucket));
  }

  find(name: string): Awaitable<Bucket | undefined> {
    return andThen(this.#log.readBarrier(), () => this.#lookUp(name));
  }

  /** As it was when it was last asked for here. It may have changed or gone since. */
  lastSeen(name: string): Bucket | undefined {
    return this.#known.get(name);
  }

  #lookUp(name: string): Bucket | undefined {
    if (this.#knownAtIndex !== this.#log.appliedIndex) {
      this.#known.clear();
      this.#knownAtIndex = this.#log.appliedIndex;
    }
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const bucket = findBucketByName(this.#state, name);
    if (bucket !== undefined) this.#known.set(name, bucket);
    return bucket;
  }

  async all(): Promise<readonly Bucket[]> {
    await this.#log.readBarrier();
    return [...listBuckets(this.#state)];
  }

  shardOf(bucket: Bucket, key: string): ShardId {
    return shardOfKey(bucket, key, this.#clusterShardCount, (data) => this.#hashing.crc32(data));
  }

  /** Every shard that may hold files of the bucket. */
  shardsOf(bucket: Bucket): readonly ShardId[] {
    return shardsOfBucket(bucket, this.#clusterShardCount);
  }
}

function activeBucket(bucket: Bucket): Bucket {
  if (bucket.state === "active") return bucket;
  const { name } = bucket;
  throw new StoreError("Overloaded", `The bucket "${name}" is just being deleted. Try again in a moment.`, {
    fields: { bucket: name },
  });
}

function readableBucket(name: string, bucket: Bucket | undefined): Bucket {
  if (bucket !== undefined && bucket.state !== "creating") return bucket;
  checkBucketName(name);
  throw new StoreError("BucketNotFound", `The bucket "${name}" does not exist. Create it first.`, {
    fields: { bucket: name },
  });
}
