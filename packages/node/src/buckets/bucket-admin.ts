/**
 * Making and deleting buckets (S17): the system group decides, every shard of the bucket is told by replicated command
 * before the answer.
 *
 * Create: 1. system: createBucket (`creating`, the name is taken); 2. installBucket in each shard; 3. system:
 * activateBucket. Delete: 1. system: beginBucketDelete; every node knows of it, and from then on asks the system group about this
 * bucket whatever its lease says (S18); 2. sealBucket in each shard, which reports emptiness; 3. all empty: removeBucket in
 * each shard, then system: finishBucketDelete; otherwise unsealBucket in each, then system: cancelBucketDelete. Every step is idempotent: after a crash `resume` carries on from what the system group
 * says, and so it does a while after a failure on the way, such as a full disk. With several nodes the leader of the system
 * group carries on what has not moved for so long that nobody can be at it any more.
 */

import type { LogIndex, ShardId } from "@holdfast/base";
import { encode, StoreError } from "@holdfast/base";
import type { Bucket, BucketSettings } from "@holdfast/namespace";
import type { Appended, Clock, Journal, ReplicatedLog, Timer } from "@holdfast/ports";
import type { ShardCommand, ShardResult, SystemCommand, SystemResult } from "@holdfast/shard";
import { systemEntryCodec } from "@holdfast/shard";
import { Rounds } from "../maintenance/rounds.ts";
import { checkBucketName } from "../names.ts";
import { refusal } from "../refusal.ts";
import type { ShardReplica } from "../shard-replica.ts";
import type { BucketDirectory } from "./bucket-directory.ts";

export interface NewBucket {
  readonly name: string;
  readonly owner: string;
  readonly shardCount: number;
  readonly firstShard: number;
  readonly settings: BucketSettings;
}

/** After a failure. */
const resumeAfterMs = 5000;
/** Longer than any step of a change takes, with all its retries. */
const abandonedAfterMs = 30_000;
const lookMs = 5000;

export interface BucketAdminParts {
  readonly system: Pick<ReplicatedLog<SystemResult>, "append" | "appliedIndex">;
  readonly directory: BucketDirectory;
  readonly shard: (id: ShardId) => ShardReplica;
  readonly clock: Clock;
  /** Resolves when no node trusts a copy of before the system group's entry any more. */
  readonly everyNodeKnows: (index: LogIndex) => Promise<void>;
}

export class BucketAdmin {
  readonly #parts: BucketAdminParts;
  /** Changes under way, by name; they settle without failing. */
  readonly #changing = new Map<string, Promise<void>>();
  /** Of other nodes' changes: since when they have been seen as they are. */
  readonly #seenSinceMs = new Map<string, number>();
  #retry: Timer | undefined;
  #stopped = false;

  constructor(parts: BucketAdminParts) {
    this.#parts = parts;
  }

  async create(request: NewBucket): Promise<Bucket> {
    checkBucketName(request.name);
    return this.#oneAtATime(request.name, async () => {
      const bucket = await this.#decideOne({ kind: "createBucket", ...request });
      return this.#begun(this.#install(bucket));
    });
  }

  async delete(name: string): Promise<void> {
    await this.#oneAtATime(name, async () => {
      const bucket = await this.#parts.directory.active(name);
      const { index } = await this.#decide({ kind: "beginBucketDelete", bucket: bucket.id });
      if (await this.#begun(this.#finishDelete(bucket, index))) return;
      throw new StoreError("BucketNotEmpty", `The bucket "${name}" still holds files. Delete them first.`, {
        fields: { bucket: name },
      });
    });
  }

  /** Finishes what a crash, or a failure, interrupted. */
  async resume(): Promise<void> {
    for (const { name, state } of await this.#parts.directory.all())
      if (state !== "active") await this.#oneAtATime(name, () => this.#finish(name));
  }

  /** From when it is started, changes that other nodes have left are carried on while this node `leads`. */
  watch(leads: () => boolean, journal: Journal): { start(): void; stop(): Promise<void> } {
    const rounds = new Rounds({ clock: this.#parts.clock, journal }, "bucket changes", async () => {
      await this.#resumeAbandoned(leads);
      return lookMs;
    });
    return { start: () => rounds.start(lookMs), stop: () => rounds.stop() };
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.cancel();
  }

  async #resumeAbandoned(leads: () => boolean): Promise<void> {
    const changing = leads()
      ? (await this.#parts.directory.all()).filter(({ state }) => state !== "active")
      : [];
    const nowMs = this.#parts.clock.monotonicMs();
    const keys = new Set(changing.map(({ id, state }) => `${id} ${state}`));
    for (const key of this.#seenSinceMs.keys()) if (!keys.has(key)) this.#seenSinceMs.delete(key);
    for (const { id, name, state } of changing) {
      const key = `${id} ${state}`;
      const sinceMs = this.#seenSinceMs.get(key) ?? nowMs;
      this.#seenSinceMs.set(key, sinceMs);
      if (nowMs - sinceMs >= abandonedAfterMs) await this.#oneAtATime(name, () => this.#finish(name));
    }
  }

  async #finish(name: string): Promise<void> {
    const bucket = (await this.#parts.directory.all()).find((found) => found.name === name);
    if (bucket?.state === "creating") await this.#install(bucket);
    if (bucket?.state === "deleting") await this.#finishDelete(bucket, this.#parts.system.appliedIndex);
  }

  /** Of two deletions of a bucket, one would unseal what the other removes. */
  async #oneAtATime<T>(name: string, change: () => Promise<T>): Promise<T> {
    const earlier = this.#changing.get(name) ?? Promise.resolve();
    const changing = earlier.then(change);
    const settled = changing.then(
      () => undefined,
      () => undefined, // Its own caller hears of it.
    );
    this.#changing.set(name, settled);
    try {
      return await changing;
    } finally {
      if (this.#changing.get(name) === settled) this.#changing.delete(name);
    }
  }

  /**
   * The system group has it on record, and it will be finished: a failure on the way, such as a full disk, must not be taken
   * for "without effect".
   */
  async #begun<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.#resumeLater();
      if (!(error instanceof StoreError)) throw error;
      const { code, message, retryable, fields } = error;
      throw new StoreError(code, message, { cause: error, retryable, fields, outcome: "unknown" });
    }
  }

  #resumeLater(): void {
    if (this.#stopped) return;
    this.#retry?.cancel();
    this.#retry = this.#parts.clock.after(resumeAfterMs, () => {
      this.resume().catch(() => this.#resumeLater());
    });
  }

  async #install(bucket: Bucket): Promise<Bucket> {
    await this.#everywhere(bucket, { kind: "installBucket", bucket: bucket.id, settings: bucket.settings });
    return this.#decideOne({ kind: "activateBucket", bucket: bucket.id });
  }

  /** From the entry `begun` on it is "deleting". True when the bucket is gone, false when it is in use and active again. */
  async #finishDelete(bucket: Bucket, begun: LogIndex): Promise<boolean> {
    await this.#parts.everyNodeKnows(begun);
    const answers = await this.#everywhere(bucket, { kind: "sealBucket", bucket: bucket.id });
    const empty = answers.every((answer) => answer.kind === "sealed" && answer.empty);
    await this.#everywhere(bucket, { kind: empty ? "removeBucket" : "unsealBucket", bucket: bucket.id });
    await this.#decide({ kind: empty ? "finishBucketDelete" : "cancelBucketDelete", bucket: bucket.id });
    return empty;
  }

  #everywhere(bucket: Bucket, command: ShardCommand): Promise<readonly ShardResult[]> {
    return Promise.all(this.#parts.directory.shardsOf(bucket).map((id) => this.#toItsEnd(id, command)));
  }

  /** Removing a bucket of many uploads takes several entries, which a crash may part: sealed as it is, nobody notices. */
  async #toItsEnd(id: ShardId, command: ShardCommand): Promise<ShardResult> {
    for (;;) {
      const result = await this.#parts.shard(id).propose(command);
      if (result.kind !== "removing") return result;
    }
  }

  async #decide(command: SystemCommand): Promise<Appended<SystemResult>> {
    const { system, clock } = this.#parts;
    const appended = await system.append(encode(systemEntryCodec, { timeMs: clock.wallMs(), command }));
    const { result } = appended;
    if (result.kind === "refused") throw refusal(result.code, result.subject);
    return appended;
  }

  async #decideOne(command: SystemCommand): Promise<Bucket> {
    const { result } = await this.#decide(command);
    if (result.kind !== "bucket")
      throw new StoreError("Internal", `${command.kind} answered without a bucket.`);
    return result.bucket;
  }
}
