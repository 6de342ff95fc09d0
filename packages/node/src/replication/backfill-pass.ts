/**
 * Once through everything that the old owners list (S3): what belongs into a slot that is new to this node is copied here.
 *
 *   - A listed block does not say its width; its home shard does, and whether it may exist at all: what is gone is not
 *     copied (S7). A content is asked about once in a pass, as long as the pass remembers it.
 *   - Bodies under way are bounded, and so is what is remembered. Foreground traffic goes first: behind each batch the pass rests for
 *     three times as long as that took. So it has a quarter at the most of what there is, and less where others are at work, which
 *     this node need not know of. Where there is plenty, a rate is the bound.
 *   - Every step may be repeated: what is here already is not copied again.
 */

import type { BlockId, ContentId, Epoch, NodeId } from "@holdfast/base";
import {
  AssertionError,
  blockIdText,
  blockKey,
  compareBytes,
  contentIdText,
  MiB,
  toHex,
} from "@holdfast/base";
import type { Counter, Journal, Metrics } from "@holdfast/ports";
import { allMetrics, sleep } from "@holdfast/ports";
import type { PartitionId } from "@holdfast/ring";
import type { OwedSlots } from "@holdfast/shard";
import { findNode, layoutChange } from "@holdfast/shard";
import type { LayoutSource } from "../cluster/layout-placement.ts";
import { partitionOf } from "../cluster/layout-placement.ts";
import type { ContentStatus, ContentStatusOf, SystemPort } from "../cluster/layout-ports.ts";
import type { Pace } from "../maintenance/pace.ts";
import type { BlockPage, ListedBlock } from "./block-wire.ts";
import type { OwedPartitions } from "./owed-partitions.ts";
import type { ReadParts } from "./replicated-read.ts";
import { readFromSlots } from "./replicated-read.ts";
import { ReplicationMetrics } from "./replication-metrics.ts";
import { reasonsText } from "./slot-answer.ts";

export interface BackfillParts extends ReadParts {
  readonly system: SystemPort;
  readonly placement: LayoutSource;
  readonly contentStatus: ContentStatusOf;
  /** Resolves when foreground traffic lets it go on; undefined: at once. */
  readonly yieldToForeground: () => Promise<void> | undefined;
  readonly journal: Journal;
  readonly metrics: Metrics;
}

export interface PassOptions {
  /** Of copied blocks. */
  readonly bytesPerSecondMax: number;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

const blocksPerPage = 500;
/** Copied at the same time, so that they share syncs. */
const copiesMax = 2;
const copiedBytesMax: number = 2 * MiB;
const contentsRemembered = 10_000;
/** Behind a batch, of the time that it took. */
const restsPerBatch = 3;
/** A source is tried so often before the pass goes on without it. */
const attemptsPerPage = 4;
/** Of one kind, in a pass: a lost disk has millions. */
const linesPerPass = 20;

interface Candidate {
  readonly id: BlockId;
  readonly partition: PartitionId;
  readonly widths: readonly number[];
}

/** Undefined: nobody can say now. */
type Known = ContentStatus | undefined;

export class BackfillPass {
  readonly #parts: BackfillParts;
  readonly #options: PassOptions;
  readonly #change: Epoch;
  readonly #owed: OwedPartitions;
  readonly #statuses = new Map<string, Promise<Known>>();
  readonly #copied: Counter;
  readonly #failed: Counter;
  readonly #bytes: Counter;
  readonly #conflicts: Counter;
  #lines = 0;

  constructor(parts: BackfillParts, options: PassOptions, change: Epoch, owed: OwedPartitions) {
    this.#parts = parts;
    this.#options = options;
    this.#change = change;
    this.#owed = owed;
    const { metrics } = parts;
    this.#copied = metrics.counter(allMetrics.backfilledBlocks, { outcome: "copied" });
    this.#failed = metrics.counter(allMetrics.backfilledBlocks, { outcome: "failed" });
    this.#bytes = metrics.counter(allMetrics.backfilledBytes, {});
    this.#conflicts = new ReplicationMetrics(metrics).conflicts;
  }

  /** To the end, unless the change ends or the node stops; what has become complete is handed to `report` as it comes. */
  async run(report: (complete: readonly OwedSlots[]) => Promise<void>): Promise<void> {
    for (const source of this.#owed.sources()) {
      const isListed = await this.#copyFrom(source);
      if (this.#isOver) return;
      if (!isListed) this.#parts.journal.info("old owner not listed", { node: source });
      this.#owed.onTried(source, isListed);
      const complete = this.#owed.takeComplete();
      if (complete.length > 0) await report(complete);
    }
  }

  get #isOver(): boolean {
    return this.#options.signal.aborted || layoutChange(this.#parts.system.state) !== this.#change;
  }

  async #copyFrom(source: NodeId): Promise<boolean> {
    let after: BlockId | undefined;
    while (!this.#isOver) {
      const page = await this.#page(source, after);
      if (page === undefined) return false;
      await this.#copyAll(source, page.blocks);
      if (page.isLast) return true;
      after = page.blocks.at(-1)?.id;
    }
    return false;
  }

  /** Undefined when the node does not give one now. */
  async #page(source: NodeId, after: BlockId | undefined): Promise<BlockPage | undefined> {
    const { slots, clock, limits, placement, journal } = this.#parts;
    let pauseMs = limits.retryMsMin;
    for (let attempt = 1; attempt <= attemptsPerPage && !this.#isOver; attempt++) {
      const { epoch } = placement.layout ?? { epoch: this.#change };
      const end = { deadlineMs: limits.attemptMs, signal: this.#options.signal };
      const answer = await slots.list(source, { after, limit: blocksPerPage, epoch }, end);
      if (answer.kind === "done") {
        if (isBehind(answer.value, after) && this.#isOnRecord(source, answer.standing.incarnation))
          return answer.value;
        journal.error("list not to be believed", { node: source });
        return undefined;
      }
      await sleep(clock, pauseMs, this.#options.signal);
      pauseMs = Math.min(2 * pauseMs, limits.retryMsMax);
    }
    return undefined;
  }

  /** S11: volumes that were made anew list nothing of what was acknowledged by those before them. */
  #isOnRecord(source: NodeId, incarnation: Uint8Array): boolean {
    return findNode(this.#parts.system.state, source)?.volumeIncarnation === toHex(incarnation);
  }

  async #copyAll(source: NodeId, blocks: readonly ListedBlock[]): Promise<void> {
    let batch: Candidate[] = [];
    let bytes = 0;
    for (const block of blocks) {
      const candidate = this.#candidate(source, block);
      if (candidate === undefined) continue;
      batch.push(candidate);
      bytes += block.stat.bytes;
      if (batch.length < copiesMax && bytes < copiedBytesMax) continue;
      await this.#copyBatch(batch);
      if (this.#isOver) return;
      batch = [];
      bytes = 0;
    }
    await this.#copyBatch(batch);
  }

  /** Undefined when it does not belong here, or is here. */
  #candidate(source: NodeId, { id, stat }: ListedBlock): Candidate | undefined {
    const { layout } = this.#parts.placement;
    if (layout === undefined) return undefined;
    const partition = partitionOf(layout, id);
    const widths = this.#owed.widthsFor(partition, source);
    if (widths.length === 0) return undefined;
    const here = this.#parts.slots.statHere(id);
    if (here.state !== "whole") return { id, partition, widths };
    // S1: whichever of two bodies is the right one, it must not be the one that is dropped.
    if (stat.state === "whole" && (stat.bytes !== here.bytes || stat.checksum !== here.checksum))
      this.#onConflict({ id, partition, widths }, source);
    return undefined;
  }

  async #copyBatch(batch: readonly Candidate[]): Promise<void> {
    if (batch.length === 0) return;
    const { yieldToForeground, clock } = this.#parts;
    const { pace, bytesPerSecondMax, signal } = this.#options;
    await yieldToForeground();
    const beganMs = clock.monotonicMs();
    const copied = await Promise.all(batch.map((candidate) => this.#copy(candidate)));
    const restMs = restsPerBatch * (clock.monotonicMs() - beganMs);
    const bytes = copied.reduce((sum, each) => sum + each, 0);
    await Promise.all([pace.worked(bytes, bytesPerSecondMax), sleep(clock, restMs, signal)]);
  }

  /** Bytes that were copied. */
  async #copy(candidate: Candidate): Promise<number> {
    const { id, widths } = candidate;
    const status = await this.#statusOf(id.content);
    if (status === "gone") return 0;
    if (status === undefined) return this.#fail(candidate, "content not known");
    if (status === "open") return this.#copyOpen(candidate);
    const { width } = status;
    if (!widths.includes(width)) return 0;
    const outcome = await this.#copyWidth(id, width);
    return typeof outcome === "number" ? outcome : this.#fail({ ...candidate, widths: [width] }, outcome);
  }

  /**
   * Of which width it will be nobody knows. The partition need not wait for it: every shard has closed what was stored before
   * the change, so a commit that names it comes after its writer has stored it in the new slots, too.
   */
  async #copyOpen({ id, widths }: Candidate): Promise<number> {
    for (const width of widths) {
      const outcome = await this.#copyWidth(id, width);
      if (typeof outcome === "number") return outcome;
    }
    return 0;
  }

  /** Bytes, or why not. */
  async #copyWidth(id: BlockId, width: number): Promise<number | string> {
    const { slots, placement, limits } = this.#parts;
    const layout = placement.slotsOf(id, width);
    const reading = await readFromSlots(this.#parts, id, layout, limits.readDeadlineMs, slots.self);
    if (reading.block === undefined) return reasonsText(reading.reasons);
    const { body, checksum } = reading.block;
    const end = { deadlineMs: limits.attemptMs, signal: this.#options.signal };
    const put = await slots.put(slots.self, { id, body, checksum }, placement.slotsOf(id, width).epoch, end);
    const bytes = body.length;
    slots.frames.recycle(body);
    if (put.kind !== "done") return put.reason;
    this.#copied.add(1);
    this.#bytes.add(bytes);
    return bytes;
  }

  #statusOf(content: ContentId): Promise<Known> {
    const name = contentIdText(content);
    const known = this.#statuses.get(name);
    if (known !== undefined) return known;
    const asked = this.#ask(content);
    this.#statuses.set(name, asked);
    for (const oldest of this.#statuses.keys()) {
      if (this.#statuses.size <= contentsRemembered) break;
      this.#statuses.delete(oldest);
    }
    return asked;
  }

  async #ask(content: ContentId): Promise<Known> {
    try {
      return await this.#parts.contentStatus(content);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.#say("content not known to be live", {
        content: contentIdText(content),
        cause: String(error),
      });
      return undefined;
    }
  }

  #onConflict(candidate: Candidate, source: NodeId): void {
    this.#parts.journal.error("block conflict", { block: blockIdText(candidate.id), node: source });
    this.#conflicts.add(1);
    this.#fail(candidate, "conflict");
  }

  /** Its partition stays incomplete, and the next pass tries again. */
  #fail({ id, partition, widths }: Candidate, reason: string): 0 {
    for (const width of widths) this.#owed.fail(width, partition);
    this.#failed.add(1);
    this.#say("block not backfilled", { block: blockIdText(id), partition, reason });
    return 0;
  }

  #say(event: string, fields: Readonly<Record<string, string | number>>): void {
    if (this.#lines++ < linesPerPass) this.#parts.journal.warn(event, fields);
  }
}

/** A list that went back would be asked for for ever. */
function isBehind({ blocks }: BlockPage, after: BlockId | undefined): boolean {
  let last = after === undefined ? undefined : blockKey(after);
  for (const { id } of blocks) {
    const key = blockKey(id);
    if (last !== undefined && compareBytes(key, last) <= 0) return false;
    last = key;
  }
  return true;
}
