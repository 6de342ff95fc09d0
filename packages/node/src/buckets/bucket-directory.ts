/**
 * Buckets by name, from the system group's state, and which shard a file lives in. Decoded records are kept until the
 * system group applies its next entry.
 *
 * A bucket that this node knows is there while the node's lease lasts; that there is none, or that it is just changing, is said only
 * behind a read barrier (S18).
 */

import type { Awaitable, ShardId } from "@holdfast/base";
import { andThen, StoreError } from "@holdfast/base";
import type { Bucket } from "@holdfast/namespace";
import { findBucketByName, listBuckets } from "@holdfast/namespace";
import type { Clock, Hashing, ReplicatedLog, StateReader } from "@holdfast/ports";
import type { SystemResult } from "@holdfast/shard";
import { shardOfKey, shardsOfBucket } from "@holdfast/shard";
import { LearnerLease } from "../learner-lease/learner-lease.ts";
import { checkBucketName } from "../names.ts";

type SystemLog = Pick<ReplicatedLog<SystemResult>, "appliedIndex" | "readBarrier">;

export class BucketDirectory {
  readonly #log: SystemLog;
  readonly #state: StateReader;
  readonly #clusterShardCount: number;
  readonly #hashing: Hashing;
  readonly #lease: LearnerLease;
  readonly #known = new Map<string, Bucket>();
  #knownAtIndex = 0;

  constructor(log: SystemLog, state: StateReader, clusterShardCount: number, hashing: Hashing, clock: Clock) {
    this.#lease = new LearnerLease({ log, clock });
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
    return andThen(this.#trusted(name), activeBucket);
  }

  /** The bucket of this name, to be read from: it is there until its deletion has succeeded (S17). */
  readable(name: string): Awaitable<Bucket> {
    return this.#trusted(name);
  }

  /** A shard knows of a bucket what this node does not: it is looked for anew. */
  doubt(): void {
    this.#lease.end();
  }

  #trusted(name: string): Awaitable<Bucket> {
    return andThen(this.#lease.trusted(), () => {
      const bucket = this.#lookUp(name);
      if (bucket?.state === "active") return bucket;
      return andThen(this.#lease.confirmed(), () => readableBucket(name, this.#lookUp(name)));
    });
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
    await this.#lease.confirmed();
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
