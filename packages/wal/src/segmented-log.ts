/**
 * The log while it runs.
 *
 * What is durable when: an append's promise resolves after the synced write of its batch did, in a segment whose zeros,
 * header and name were durable before. One batch is in flight; what is queued meanwhile goes into the next. So a good
 * header of batch N + 1 proves that batch N was synced.
 */

import type { Ballot, GroupId, LogIndex } from "@holdfast/base";
import { AssertionError, assert, present } from "@holdfast/base";
import type { Clock, Disk, Hashing, Journal, Metrics, Timer } from "@holdfast/ports";
import { silentMetrics } from "@holdfast/ports";
import type { QueuedWrite } from "./append-queue.ts";
import { AppendQueue, queuedBytesOf } from "./append-queue.ts";
import { BatchBuilder, restatedBytes } from "./batch-builder.ts";
import { batchHeaderBytes } from "./batch-header.ts";
import { GroupLog } from "./group-log.ts";
import { joinRecords } from "./join-records.ts";
import { batchesOffset } from "./layout.ts";
import { WalError } from "./log-error.ts";
import { LogMetrics } from "./log-metrics.ts";
import { readEntries } from "./log-reader.ts";
import { PlannedGroups } from "./planned-groups.ts";
import type { LogRecord } from "./record.ts";
import type { Segment } from "./segment.ts";
import type { SegmentSupply } from "./segment-supply.ts";
import { segmentBytesFor } from "./segment-supply.ts";
import type { GroupInfo, LogEntry, LogWrite, WriteAheadLog } from "./write-ahead-log.ts";

export interface SegmentedLogOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly metrics?: Metrics;
  readonly folder: string;
  readonly incarnation: string;
  readonly segmentBytes: number;
  readonly batchBytesMax: number;
  readonly queueBytesMax: number;
  readonly proofDelayMs: number;
}

export interface SegmentedLogState {
  readonly logs: ReadonlyMap<GroupId, GroupLog>;
  /** Oldest first; the next batch goes to a fresh one of the supply. */
  readonly segments: readonly Segment[];
  readonly supply: SegmentSupply;
  readonly nextSequence: number;
  /** Recovery missed headers: the segments are the only evidence, and stay until the caller has accepted the loss. */
  readonly headersLost: boolean;
}

export class SegmentedLog implements WriteAheadLog {
  readonly #options: SegmentedLogOptions;
  readonly #metrics: LogMetrics;
  readonly #builder: BatchBuilder;
  readonly #supply: SegmentSupply;
  readonly #queue = new AppendQueue();
  readonly #logs: Map<GroupId, GroupLog>;
  readonly #planned = new PlannedGroups();
  /** Their checkpoint moved since it was last written. */
  readonly #dirty = new Set<GroupLog>();
  #segments: Segment[];
  #active: Segment | undefined;
  #offset = 0;
  #writtenBytes = 0;
  #nextSequence: number;
  #holdsSegments: boolean;
  /** The last batch holds something, and no batch follows it. */
  #unproven = false;
  #proofTimer: Timer | undefined;
  #scheduled = false;
  #pumpRun: Promise<void> | undefined;
  #reclaimRun: Promise<void> | undefined;
  #poison: WalError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: SegmentedLogOptions, state: SegmentedLogState) {
    this.#options = options;
    this.#builder = new BatchBuilder(options.hashing, options.batchBytesMax + batchHeaderBytes(64));
    this.#supply = state.supply;
    this.#logs = new Map(state.logs);
    this.#segments = [...state.segments];
    this.#nextSequence = state.nextSequence;
    this.#holdsSegments = state.headersLost;
    this.#metrics = new LogMetrics(options.metrics ?? silentMetrics, this);
  }

  get incarnation(): string {
    return this.#options.incarnation;
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  get segmentsBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.header.bytes, this.#supply.readyBytes);
  }

  get segmentsCount(): number {
    return this.#segments.length;
  }

  get stopped(): "poisoned" | "closed" | undefined {
    if (this.#poison !== undefined) return "poisoned";
    return this.#closing === undefined ? undefined : "closed";
  }

  admits(payloadBytes: number): boolean {
    if (this.stopped !== undefined) return false;
    if (this.#queue.bytes + payloadBytes > this.#options.queueBytesMax) return false;
    return !this.#supply.starved || this.#queue.bytes + payloadBytes <= this.#room("append");
  }

  writeNow(): void {
    void this.#pump();
  }

  append(write: LogWrite): Promise<void> {
    const { group, base, entries, hardState } = write;
    const records: LogRecord[] = [];
    if (base !== undefined) records.push({ kind: "base", group, position: base });
    if (hardState !== undefined) records.push({ kind: "hard-state", group, hardState });
    if (entries.length > 0) records.push({ kind: "entries", group, entries });
    const bytes = queuedBytesOf(records);
    const refusal = this.#refusal(bytes) ?? this.#planned.refusal(write, this.#logs.get(group));
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#planned.plan(write);
    return this.#enqueue("append", records, bytes);
  }

  async entries(
    group: GroupId,
    from: LogIndex,
    to: LogIndex,
    bytesMax: number,
  ): Promise<readonly LogEntry[]> {
    if (this.#closing !== undefined) throw new WalError("closed", "the log is closed");
    const log = this.#logs.get(group);
    if (log === undefined) throw new WalError("compacted", `group ${group} has no log`);
    return readEntries(log, { from, to, bytesMax }, this.#options.hashing);
  }

  ballotAt(group: GroupId, index: LogIndex): Ballot | undefined {
    return this.#logs.get(group)?.ballotAt(index);
  }

  queuedLastIndex(group: GroupId): LogIndex {
    return this.#planned.lastIndex(group, this.#logs.get(group));
  }

  group(group: GroupId): GroupInfo | undefined {
    return this.#logs.get(group)?.info();
  }

  groups(): readonly GroupId[] {
    return [...this.#logs.keys()];
  }

  checkpoint(group: GroupId, through: LogIndex): void {
    const log = present(this.#logs.get(group), `log of group ${group}`);
    if (through <= log.checkpoint.index) return;
    const ballot = log.ballotAt(through);
    assert(ballot !== undefined, "only durable entries are checkpointed (S9)");
    log.advanceCheckpoint({ index: through, ballot });
    this.#dirty.add(log);
    this.reclaim();
  }

  settle(group: GroupId): Promise<void> {
    present(this.#logs.get(group), `log of group ${group}`);
    return this.#housekeep([{ kind: "settled", group }]);
  }

  acceptHeadersLost(): void {
    this.#holdsSegments = false;
    this.reclaim();
  }

  async forget(group: GroupId): Promise<void> {
    if (!this.#logs.has(group)) return;
    this.#planned.leave(group);
    try {
      await this.#housekeep([{ kind: "forgotten", group }]);
    } catch (error) {
      this.#planned.stay(group);
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  /** Recovery's own first batch, into a fresh segment; resolves when it is durable. Larger than others if it must be. */
  async begin(records: readonly LogRecord[]): Promise<void> {
    const bytesMin = restatedBytes(this.#logs.values()) + queuedBytesOf(records) * 2;
    const segment = await this.#supply.take(segmentBytesFor(bytesMin));
    this.#active = segment;
    this.#offset = batchesOffset;
    this.#segments.push(segment);
    await this.#write(records, [...this.#logs.values()]);
    if (this.#unproven) this.#armProof();
    this.#supply.prepare();
    this.reclaim();
  }

  /**
   * Deletes the oldest segments that hold no entry behind a checkpoint any more, in the background (S9):
   * 1. the checkpoints that free them become durable, in a batch of a segment that began with every hard state;
   * 2. the files go one by one, oldest first, each removal synced, so that a crash leaves no gap.
   */
  reclaim(): void {
    if (this.#holdsSegments || this.#reclaimRun !== undefined || this.stopped !== undefined) return;
    let neededFrom = this.#active?.sequence ?? 0;
    if ((this.#segments[0]?.sequence ?? neededFrom) >= neededFrom) return;
    for (const log of this.#logs.values()) {
      neededFrom = Math.min(neededFrom, log.extents[0]?.place.segment.sequence ?? neededFrom);
    }
    const victims = this.#segments.filter((segment) => segment.sequence < neededFrom);
    if (victims.length === 0) return;
    this.#reclaimRun = this.#removeSegments(victims);
  }

  async #removeSegments(victims: readonly Segment[]): Promise<void> {
    const { disk, folder, journal } = this.#options;
    try {
      await this.#housekeep([]);
      for (const victim of victims) {
        if (this.#poison !== undefined) return;
        await disk.remove(victim.path);
        await disk.syncDirectory(folder);
        this.#segments = this.#segments.filter((segment) => segment !== victim);
        await victim.retire();
        journal.debug("wal.segment.removed", { sequence: victim.sequence });
      }
    } catch (error) {
      // Refused checkpoints are written with a later batch, and the segments go then.
      if (!(error instanceof WalError)) this.#poisonBy(error);
    } finally {
      this.#reclaimRun = undefined;
    }
  }

  #refusal(bytes: number): WalError | undefined {
    if (this.#poison !== undefined) return this.#poison;
    if (this.#closing !== undefined) return new WalError("closed", "the log is closed");
    const { segmentBytes, queueBytesMax } = this.#options;
    if (bytes > appendBytesMax(segmentBytes)) {
      return new WalError(
        "too-large",
        `${bytes} bytes in one append; at most ${appendBytesMax(segmentBytes)}`,
      );
    }
    if (this.#queue.bytes + bytes > queueBytesMax && this.#queue.bytes > 0) {
      return new WalError("queue-full", `${this.#queue.bytes} bytes wait for the disk`);
    }
    return undefined;
  }

  #housekeep(records: readonly LogRecord[]): Promise<void> {
    const refusal = this.#refusal(0);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#enqueue("housekeeping", records, queuedBytesOf(records));
  }

  #enqueue(kind: QueuedWrite["kind"], records: readonly LogRecord[], bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ kind, records, bytes, resolve, reject });
      this.#schedule();
    });
  }

  /** One burst of events becomes one batch. */
  #schedule(): void {
    this.#proofTimer?.cancel();
    this.#proofTimer = undefined;
    if (this.#scheduled || this.#pumpRun !== undefined) return;
    this.#scheduled = true;
    this.#options.clock.soon(() => {
      this.#scheduled = false;
      void this.#pump();
    });
  }

  #pump(): Promise<void> {
    if (this.#pumpRun !== undefined) return this.#pumpRun;
    // A run ends by clearing `#pumpRun`; one that has nothing to await would do so before it is set.
    if (this.#queue.isEmpty || this.#poison !== undefined) return Promise.resolve();
    this.#pumpRun = this.#writeQueue();
    return this.#pumpRun;
  }

  async #writeQueue(): Promise<void> {
    while (!this.#queue.isEmpty && this.#poison === undefined) {
      if (this.#queue.headBytes > this.#room(this.#queueKind)) await this.#rotate();
      else await this.#writeTaken([]);
    }
    this.#pumpRun = undefined;
    if (this.#unproven && this.stopped === undefined) this.#armProof();
  }

  get #queueKind(): QueuedWrite["kind"] {
    return this.#queue.hasAppends ? "append" : "housekeeping";
  }

  /** Body bytes that still fit the segment. Appends leave some, so that a full disk does not stop checkpoints. */
  #room(kind: QueuedWrite["kind"]): number {
    const segmentBytes = this.#active?.header.bytes ?? 0;
    const keptBytes = kind === "append" ? housekeepingBytes(segmentBytes) : 0;
    const dirtyBytes = this.#dirty.size * checkpointBytes;
    return segmentBytes - keptBytes - this.#offset - batchHeaderBytes(0) - dirtyBytes;
  }

  /** Moves to the next segment; its first batch states every group anew (S9). */
  async #rotate(): Promise<void> {
    let segment: Segment;
    try {
      segment = await this.#supply.take();
    } catch (error) {
      if (error instanceof WalError && error.kind === "no-space") this.#refuseQueue(error);
      else this.#poisonBy(error);
      return;
    }
    this.#active = segment;
    this.#offset = batchesOffset;
    this.#segments.push(segment);
    const restated = [...this.#logs.values()];
    assert(
      restatedBytes(restated) <= areaBytes(segment.header.bytes) / 4,
      "segments are too small for so many groups",
    );
    await this.#writeTaken(restated);
    if (this.#poison === undefined) this.#supply.prepare();
  }

  /** Nothing of it was written: the groups go on behind what is durable. */
  #refuseQueue(error: WalError): void {
    this.#queue.rejectWaiting(error, "append");
    this.#planned.reset();
    if (this.#queue.headBytes > this.#room("housekeeping")) this.#queue.rejectWaiting(error);
  }

  async #writeTaken(restated: readonly GroupLog[]): Promise<void> {
    const roomBytes =
      Math.min(this.#room(this.#queueKind), this.#options.batchBytesMax) - restatedBytes(restated);
    const fits = restated.length === 0 || this.#queue.headBytes <= roomBytes;
    const items = fits ? this.#queue.take(roomBytes) : [];
    try {
      await this.#write(joinRecords(items), restated);
    } catch (error) {
      this.#queue.rejectTaken(items, this.#poisonBy(error));
      if (error instanceof AssertionError) throw error;
      return;
    }
    this.#queue.settle(items);
  }

  /** The one place that writes a batch. Rejects only for what poisons the log. */
  async #write(appended: readonly LogRecord[], restated: readonly GroupLog[]): Promise<void> {
    const segment = present(this.#active, "active segment");
    const offset = this.#offset;
    const records = restated.length === 0 ? [...this.#dirtyCheckpoints(), ...appended] : appended;
    this.#dirty.clear();
    const contents = { sequence: this.#nextSequence, restated, records };
    const created = new Map<GroupId, GroupLog>();
    const logOf = (group: GroupId): GroupLog => {
      const log = this.#logs.get(group) ?? created.get(group) ?? new GroupLog(group);
      if (log.touchedBy === 0) created.set(group, log);
      return log;
    };
    const { padded, bytes } = this.#builder.build(contents, segment, offset, logOf);
    assert(offset + padded.length <= segment.header.bytes, "a batch ends within its segment");
    const begunAtMs = this.#options.clock.monotonicMs();
    await segment.write(offset, padded);
    // Durable from here on.
    this.#metrics.onBatch(appended.length, padded.length, this.#options.clock.monotonicMs() - begunAtMs);
    this.#writtenBytes += padded.length;
    this.#offset = offset + padded.length;
    this.#nextSequence++;
    this.#unproven = appended.length > 0;
    for (const log of restated) log.touchedBy = contents.sequence;
    const place = { segment, offset, bytes };
    for (const record of records) {
      const log = logOf(record.group);
      log.touchedBy = contents.sequence;
      this.#logs.set(record.group, log);
      if (record.kind === "forgotten") this.#drop(log);
      else log.apply(record, place);
    }
  }

  #dirtyCheckpoints(): LogRecord[] {
    return [...this.#dirty].map(({ group, checkpoint }) => ({
      kind: "checkpoint",
      group,
      position: checkpoint,
    }));
  }

  #drop(log: GroupLog): void {
    this.#logs.delete(log.group);
    this.#dirty.delete(log);
    this.#planned.left(log.group);
  }

  #poisonBy(cause: unknown): WalError {
    if (this.#poison !== undefined) return this.#poison;
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#poison = new WalError("poisoned", `the log failed and writes nothing any more: ${reason}`, cause);
    this.#options.journal.error("wal.poisoned", { reason });
    this.#queue.rejectWaiting(this.#poison);
    return this.#poison;
  }

  /**
   * An empty batch soon after the last one, off the path of any acknowledgement: it proves the last one, so that rot
   * there is told from a torn tail (S10).
   */
  #armProof(): void {
    this.#proofTimer = this.#options.clock.after(this.#options.proofDelayMs, () => {
      this.#proofTimer = undefined;
      this.#prove();
    });
  }

  #prove(): void {
    // Refused or failed, it leaves the last batch unproven; the next append says so.
    this.#enqueue("housekeeping", [], 0).catch(() => undefined);
  }

  async #shutDown(): Promise<void> {
    await this.#pump();
    if (this.#unproven && this.#poison === undefined) {
      this.#prove();
      await this.#pump();
    }
    this.#proofTimer?.cancel();
    await this.#reclaimRun;
    await this.#supply.close();
    for (const segment of this.#segments) await segment.retire();
  }
}

const checkpointBytes = queuedBytesOf([]) + 21;

/** Room for batches. An append, a restatement of all groups and housekeeping take at most 7/8 of it together. */
function areaBytes(segmentBytes: number): number {
  return segmentBytes - batchesOffset;
}

/** What appends leave free at the end of a segment. */
function housekeepingBytes(segmentBytes: number): number {
  return Math.min(areaBytes(segmentBytes) / 8, 1024 * 1024);
}

/** The largest append that a log of such segments takes. */
export function appendBytesMax(segmentBytes: number): number {
  return areaBytes(segmentBytes) / 2;
}
