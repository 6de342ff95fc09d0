/** Random commands for two shards that copy from each other: duplicates, stale attempts, closes, conditions, uploads. */

import type { Epoch, Random, ShardId, WriterId } from "@holdfast/base";
import { attempt, bucketId, chance, epoch, shardId, uniform, writerId } from "@holdfast/base";
import type { ContentPart, WriteCondition } from "@holdfast/namespace";
import { pendingDrops, unconditional } from "@holdfast/namespace";
import type { AttemptRange, Operation, ShardCommand, WriterProgress } from "../src/command.ts";
import type { ShardHarness } from "./shard-harness.ts";
import {
  completeUpload,
  createUpload,
  deleteFile,
  md5Of,
  noProgress,
  part,
  putInline,
  putReferenced,
  putStreamed,
  settings,
} from "./shard-harness.ts";
import type { ShardModel } from "./shard-model.ts";

export interface Replica {
  readonly shard: ShardHarness;
  readonly model: ShardModel;
}

export interface Step {
  readonly shard: ShardId;
  readonly command: ShardCommand;
}

const buckets = [bucketId(7), bucketId(8)];
const keys = ["a", "a/b", "é", "z"];
const etags = ["etag-x", "etag-y", "etag-streamed", "etag-1x"];

export class RandomCommands {
  readonly #random: Random;
  readonly #replicas: readonly Replica[];
  readonly #sent: Step[] = [];
  readonly #nextAttempt = new Map<string, number>();

  constructor(random: Random, replicas: readonly Replica[]) {
    this.#random = random;
    this.#replicas = replicas;
  }

  next(): readonly Step[] {
    const shard = shardId(uniform(this.#random, this.#replicas.length));
    const steps = this.#steps(shard);
    this.#sent.push(...steps);
    return steps;
  }

  #steps(shard: ShardId): readonly Step[] {
    const again = this.#pick(this.#sent.slice(-60));
    if (again !== undefined && chance(this.#random, 0.12)) return [again];
    const dice = uniform(this.#random, 100);
    if (dice < 60) return [{ shard, command: this.#operate(shard, this.#operation(shard)) }];
    if (dice < 72) return this.#copy(shard);
    if (dice < 80) return this.#deliverDrops(shard);
    return [{ shard, command: this.#housekeeping(shard, dice) }];
  }

  #housekeeping(shard: ShardId, dice: number): ShardCommand {
    const { model } = this.#replica(shard);
    const bucket = this.#pick(buckets) ?? bucketId(7);
    if (dice < 82) return { kind: "openWriter", node: "n", run: `${dice}` };
    if (dice < 83) return { kind: "closeWriter", writer: this.#writer(shard) };
    if (dice < 86) return this.#publish(shard);
    if (dice < 93) return { kind: "unsealBucket", bucket };
    if (dice < 95) return { kind: "installBucket", bucket, settings };
    if (dice < 96) return { kind: "sealBucket", bucket };
    // Rarely: a removed bucket stays removed, and everything is refused from then on.
    if (dice < 97) return { kind: "removeBucket", bucket: chance(this.#random, 0.1) ? bucket : bucketId(9) };
    if (dice < 98) return { kind: "closeEpoch", epoch: epoch(uniform(this.#random, model.closedEpoch + 2)) };
    const contents = [...model.contents.values()].filter(() => chance(this.#random, 0.4)).map(({ id }) => id);
    return { kind: "forgetContents", contents };
  }

  #operate(shard: ShardId, make: (writer: WriterId, number: number) => Operation): ShardCommand {
    const writer = this.#writer(shard);
    const number = this.#attempt(shard, writer);
    const progress = chance(this.#random, 0.3) ? this.#progress(shard, writer) : noProgress;
    return { kind: "operate", writer, attempt: attempt(number), progress, operation: make(writer, number) };
  }

  #operation(shard: ShardId): (writer: WriterId, number: number) => Operation {
    const key = this.#pick(keys) ?? "a";
    const bucket = this.#pick(buckets) ?? bucketId(7);
    const condition = this.#condition();
    const dice = uniform(this.#random, 100);
    if (dice < 20) return () => ({ ...putInline(key, this.#pick(["x", "y"]) ?? "x", condition), bucket });
    if (dice < 38)
      return (writer, number) => ({
        ...putStreamed(key, this.#part(writer, number, 1), condition, this.#evidence(shard)),
        bucket,
      });
    if (dice < 50) return () => ({ ...deleteFile(key, condition), bucket });
    if (dice < 58) return () => ({ ...createUpload(key), bucket });
    const open = this.#pick([...this.#replica(shard).model.uploads]);
    const closed = this.#pick([...this.#replica(shard).model.completed]);
    if (open === undefined || (closed !== undefined && dice < 62)) {
      const upload = closed?.[0] ?? 3;
      const name = { key: closed?.[1].key ?? key, bucket: closed?.[1].bucket ?? bucket };
      return () => ({
        ...completeUpload(name.key, upload, [{ number: 1, md5: md5Of("x") }], condition),
        ...name,
      });
    }
    return this.#uploadOperation(shard, open[0], open[1], dice, condition);
  }

  #uploadOperation(
    shard: ShardId,
    upload: number,
    {
      key,
      bucket,
      parts,
    }: { key: string; bucket: (typeof buckets)[number]; parts: Map<number, ContentPart> },
    dice: number,
    condition: WriteCondition,
  ): (writer: WriterId, number: number) => Operation {
    if (dice < 84) {
      return (writer, number) => ({
        kind: "putPart",
        bucket,
        key,
        upload,
        part: this.#part(writer, number, 1 + uniform(this.#random, 3)),
        evidenceEpoch: this.#evidence(shard),
      });
    }
    if (dice < 87) return () => ({ kind: "abortUpload", bucket, key, upload });
    const known = [...parts.values()].sort((a, b) => a.number - b.number);
    const listed = known.filter(() => chance(this.#random, 0.8)).map(({ number, md5 }) => ({ number, md5 }));
    if (chance(this.#random, 0.1)) listed.push({ number: 1 + uniform(this.#random, 4), md5: md5Of("x") });
    return () => ({ ...completeUpload(key, upload, listed, condition), bucket });
  }

  /** S5: AddReference in the content's home, then, nearly always, the commit in the destination's shard. */
  #copy(shard: ShardId): readonly Step[] {
    const source = this.#replica(shardId(uniform(this.#random, this.#replicas.length)));
    const content = this.#pick([...source.model.contents.values()]);
    if (content === undefined) return [];
    const writer = this.#writer(shard);
    const number = this.#attempt(shard, writer);
    const reference = { home: shard, writer, attempt: attempt(number) };
    const steps: Step[] = [];
    if (chance(this.#random, 0.9) || content.id.home !== shard) {
      // Only what was added may be committed elsewhere: the destination's shard trusts the AddReference before it.
      steps.push({
        shard: content.id.home,
        command: { kind: "addReference", content: content.id, reference },
      });
      if (content.deadSinceMs !== undefined && content.id.home !== shard) return steps;
    }
    const bytes = content.parts.reduce((sum, { bytes: length }) => sum + length, 0);
    const operation = putReferenced(this.#pick(keys) ?? "a", content.id, bytes);
    const command: ShardCommand = {
      kind: "operate",
      writer,
      attempt: attempt(number),
      progress: noProgress,
      operation,
    };
    return [...steps, { shard, command }];
  }

  #deliverDrops(shard: ShardId): readonly Step[] {
    const drops = pendingDrops(this.#replica(shard).shard.state, 1 + uniform(this.#random, 3));
    const steps: Step[] = drops.map(({ content, reference }) => ({
      shard: content.home,
      command: { kind: "dropReferences", drops: [{ content, reference }] },
    }));
    if (chance(this.#random, 0.3)) return steps;
    const sequences = drops.map(({ sequence }) => sequence);
    return [...steps, { shard, command: { kind: "settleDrops", sequences } }];
  }

  #part(writer: WriterId, number: number, partNumber: number): ContentPart {
    const bytes = this.#pick([5 * 1024 * 1024, 6 * 1024 * 1024, 70_000]) ?? 1;
    const by = chance(this.#random, 0.03) ? number + 1 : number;
    return part(writer, by, { number: partNumber, bytes, md5: md5Of(this.#pick(["x", "y"]) ?? "x") });
  }

  /** Of today, nearly always. */
  #evidence(shard: ShardId): Epoch {
    const { closedEpoch } = this.#replica(shard).model;
    return epoch(chance(this.#random, 0.1) ? uniform(this.#random, closedEpoch + 1) : closedEpoch);
  }

  #condition(): WriteCondition {
    const dice = uniform(this.#random, 10);
    const match = { kind: "etags", etags: [this.#pick(etags) ?? ""] } as const;
    if (dice === 0) return { ifMatch: undefined, ifNoneMatch: { kind: "any" } };
    if (dice === 1) return { ifMatch: { kind: "any" }, ifNoneMatch: undefined };
    if (dice === 2) return { ifMatch: match, ifNoneMatch: undefined };
    if (dice === 3) return { ifMatch: undefined, ifNoneMatch: match };
    return unconditional;
  }

  #publish(shard: ShardId): ShardCommand {
    const writer = this.#writer(shard);
    return { kind: "publishProgress", writer, progress: this.#progress(shard, writer) };
  }

  #progress(shard: ShardId, writer: WriterId): WriterProgress {
    const closed: AttemptRange[] = [];
    const highest = Math.max(1, this.#nextAttempt.get(`${shard}.${writer}`) ?? 1);
    for (let i = uniform(this.#random, 3); i > 0; i--) {
      const first = uniform(this.#random, highest);
      closed.push({ first: attempt(first), last: attempt(first + uniform(this.#random, 2)) });
    }
    return { floor: attempt(Math.max(0, highest - 6 - uniform(this.#random, 8))), closed };
  }

  #attempt(shard: ShardId, writer: WriterId): number {
    const name = `${shard}.${writer}`;
    const next = this.#nextAttempt.get(name) ?? 0;
    if (next > 0 && chance(this.#random, 0.05)) return Math.max(0, next - uniform(this.#random, 8));
    this.#nextAttempt.set(name, next + 1 + uniform(this.#random, 2));
    return next;
  }

  #writer(shard: ShardId): WriterId {
    const { model } = this.#replica(shard);
    const open = this.#pick([...model.writers.keys()].slice(-3));
    return writerId(open === undefined || chance(this.#random, 0.02) ? 1 + uniform(this.#random, 20) : open);
  }

  #replica(shard: ShardId): Replica {
    const replica = this.#replicas[shard];
    if (replica === undefined) throw new RangeError(`no shard ${shard}`);
    return replica;
  }

  #pick<T>(choices: readonly T[]): T | undefined {
    return choices.length === 0 ? undefined : choices[uniform(this.#random, choices.length)];
  }
}
