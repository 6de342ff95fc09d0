/**
 * This run's writer at one shard (S15, SAFETY.md "writer"): numbers attempts, keeps those that are open, and publishes in
 * every entry it sends which are closed.
 *
 * Besides the floor it publishes closed attempts above it: one slow upload holds the floor down for hours, and the
 * results of thousands of later attempts must not be kept for it.
 */

import type { Attempt, ContentId, ErrorCode, ShardId, WriterId } from "@holdfast/base";
import { assert, assertNever, attempt as attemptNumber, encode, StoreError } from "@holdfast/base";
import type { Clock, ReplicatedLog } from "@holdfast/ports";
import type { AttemptRange, Operation, ShardCommand, ShardResult, WriterProgress } from "@holdfast/shard";
import { shardEntryCodec } from "@holdfast/shard";
import { bucketSubject, refusal } from "./refusal.ts";
import { untilKnown } from "./until-known.ts";

/** Results that mean the operation was carried out. */
export type Accomplished = Exclude<ShardResult, { kind: "refused" } | { kind: "writerClosed" }>;

export interface WriterPlace {
  readonly shard: ShardId;
  readonly log: ReplicatedLog<ShardResult>;
  readonly clock: Clock;
  /** Aborted when the node stops. */
  readonly stopping: AbortSignal;
  /** The shard says that this writer is closed: nothing comes of it any more. */
  readonly onClosed: () => void;
}

export class Writer {
  readonly id: WriterId;
  readonly #place: WriterPlace;
  readonly #open = new Set<Attempt>();
  #next = 0;
  /** Closed since the last entry was sent. */
  #closed: Attempt[] = [];
  #publishedFloor = 0;
  /** When the shard last applied an entry of this writer; it was just opened. */
  #heardAtMs: number;

  constructor(id: WriterId, place: WriterPlace) {
    this.id = id;
    this.#place = place;
    this.#heardAtMs = place.clock.monotonicMs();
  }

  /** How long the shard has heard nothing of it. */
  get silentMs(): number {
    return this.#place.clock.monotonicMs() - this.#heardAtMs;
  }

  /** Takes a number; whatever happens, `close` must follow. */
  begin(): Attempt {
    const number = attemptNumber(this.#next++);
    this.#open.add(number);
    return number;
  }

  /** Nobody will ask for this attempt's result again, nor commit under it. */
  close(number: Attempt): void {
    assert(this.#open.delete(number), `attempt ${number} is not open`);
    this.#closed.push(number);
  }

  /** The name of content or reference made by this attempt. */
  contentId(number: Attempt): ContentId {
    return { home: this.#place.shard, writer: this.id, attempt: number };
  }

  /** Takes a number for one operation that streams nothing beforehand. */
  async operate(operation: Operation): Promise<Accomplished> {
    const number = this.begin();
    try {
      return await this.operateAs(number, operation);
    } finally {
      this.close(number);
    }
  }

  /** Carries out the attempt's one operation. Refusals become StoreErrors. */
  operateAs(number: Attempt, operation: Operation): Promise<Accomplished> {
    assert(this.#open.has(number), `attempt ${number} is not open`);
    const progress = this.#progress();
    const command = { kind: "operate", writer: this.id, attempt: number, progress, operation } as const;
    return this.#send(progress, command).then(accomplished);
  }

  /** Tells the shard what is closed when no operation comes along to carry it; true when an entry was sent. */
  async publish(when: "needed" | "always" = "needed"): Promise<boolean> {
    const isNeeded = this.#closed.length > 0 || this.#floor() !== this.#publishedFloor;
    if (!isNeeded && when === "needed") return false;
    const progress = this.#progress();
    const command = { kind: "publishProgress", writer: this.id, progress } as const;
    await this.#send(progress, command);
    return true;
  }

  /** Asked again, under the same number, while nobody knows whether it was carried out (S15). */
  async #send(progress: WriterProgress, command: ShardCommand): Promise<ShardResult> {
    const { log, clock, stopping, onClosed } = this.#place;
    try {
      const entry = encode(shardEntryCodec, { timeMs: clock.wallMs(), command });
      const { result } = await untilKnown({ clock, stopping }, () => log.append(entry));
      if (result.kind === "writerClosed") onClosed();
      this.#heardAtMs = clock.monotonicMs();
      return result;
    } catch (error) {
      this.#republish(progress);
      throw error;
    }
  }

  #floor(): Attempt {
    let floor = this.#next;
    for (const number of this.#open) {
      floor = number;
      break; // Sets keep insertion order, and numbers are handed out in ascending order.
    }
    return attemptNumber(floor);
  }

  #progress(): WriterProgress {
    const floor = this.#floor();
    const closed = ranges(this.#closed.filter((number) => number >= floor));
    this.#closed = [];
    this.#publishedFloor = floor;
    return { floor, closed };
  }

  /** The entry may not have arrived: say it again with the next one. Saying it twice does no harm. */
  #republish(progress: WriterProgress): void {
    this.#publishedFloor = 0;
    for (const range of progress.closed)
      for (let number = range.first; number <= range.last; number = attemptNumber(number + 1))
        this.#closed.push(number);
  }
}

function ranges(numbers: readonly Attempt[]): readonly AttemptRange[] {
  const joined: { first: Attempt; last: Attempt }[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = joined.at(-1);
    if (last !== undefined && number === last.last + 1) last.last = number;
    else joined.push({ first: number, last: number });
  }
  return joined;
}

function accomplished(result: ShardResult): Accomplished {
  switch (result.kind) {
    case "refused":
      throw shardRefusal(result.code, result.subject);
    case "writerClosed":
      throw new StoreError(
        "OutcomeUnknown",
        "This node's writer was closed while the request was under way; look whether it took effect before trying again.",
      );
    case "done":
    case "writerOpened":
    case "stored":
    case "deleted":
    case "uploadCreated":
    case "partStored":
    case "sealed":
    case "referenced":
    case "removing":
      return result;
    default:
      return assertNever(result);
  }
}

/** A shard that knows no such bucket is told of its end before anybody else: whether it is gone, the system group says (S17). */
function shardRefusal(code: ErrorCode, subject: string): StoreError {
  return code === "BucketNotFound" ? refusal("Overloaded", bucketSubject) : refusal(code, subject);
}
