/**
 * Keeps one segment prepared ahead, so that moving on to it costs an append nothing. A segment is ready when
 * 1. a file under an unfinished name is filled with zeros and its header written, all of it durable (synced writes);
 * 2. it has its name; 3. the folder is synced.
 * Whatever a crash leaves before 3 holds no batch. Nothing is acknowledged in a segment before it is ready.
 */

import type { Random } from "@holdfast/base";
import type { Disk, DiskFile, Hashing, Journal, PageMemory } from "@holdfast/ports";
import { DiskError } from "@holdfast/ports";
import { batchesOffset, joinPath, padToPage, segmentFileName, unfinishedSuffix } from "./layout.ts";
import { WalError } from "./log-error.ts";
import { Segment } from "./segment.ts";
import { encodeSegmentHeader } from "./segment-header.ts";

export interface SegmentSupplyOptions {
  readonly disk: Disk;
  readonly random: Random;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly folder: string;
  readonly incarnation: Uint8Array;
  readonly segmentBytes: number;
  /** Room on the disk that no new segment may take. */
  readonly reserveBytes: number;
}

const zerosBytes = 256 * 1024;

export class SegmentSupply {
  readonly #options: SegmentSupplyOptions;
  #nextSequence: number;
  #next: Promise<Segment> | undefined;
  #ready: Segment | undefined;
  #starved = false;

  constructor(options: SegmentSupplyOptions, nextSequence: number) {
    this.#options = options;
    this.#nextSequence = nextSequence;
  }

  /** The last try to prepare a segment found no room for it. */
  get starved(): boolean {
    return this.#starved;
  }

  get readyBytes(): number {
    return this.#ready?.header.bytes ?? 0;
  }

  /** Begins to prepare the next segment, unless that is under way or done. Never rejects: `take` tells. */
  prepare(bytesMin: number = 0): void {
    this.#request(bytesMin).catch(() => undefined);
  }

  /**
   * The next segment; rejects with WalError `no-space`, after which the next call tries again, or with what else went
   * wrong, and then for ever (S11).
   */
  async take(bytesMin: number = 0): Promise<Segment> {
    const segment = await this.#request(bytesMin);
    this.#next = undefined;
    this.#ready = undefined;
    return segment;
  }

  /** Waits for what is under way and closes it; the file stays and holds nothing. */
  async close(): Promise<void> {
    if (this.#next === undefined) return;
    const [result] = await Promise.allSettled([this.#next]);
    if (result.status === "fulfilled") await result.value.retire();
  }

  #request(bytesMin: number): Promise<Segment> {
    this.#next ??= this.#create(Math.max(this.#options.segmentBytes, padToPage(bytesMin)));
    return this.#next;
  }

  async #create(bytes: number): Promise<Segment> {
    try {
      await this.#checkRoom(bytes);
      const segment = await this.#fill(bytes);
      this.#nextSequence++;
      this.#starved = false;
      this.#ready = segment;
      return segment;
    } catch (error) {
      const noSpace = asNoSpace(error);
      if (noSpace === undefined) throw error;
      this.#starved = true;
      this.#next = undefined;
      this.#options.journal.warn("wal.segment.refused", { reason: noSpace.message });
      throw noSpace;
    }
  }

  async #checkRoom(bytes: number): Promise<void> {
    const { freeBytes } = await this.#options.disk.space();
    const { reserveBytes } = this.#options;
    if (freeBytes - bytes >= reserveBytes) return;
    throw new WalError(
      "no-space",
      `a log segment of ${bytes} bytes would leave less than ${reserveBytes} bytes free`,
    );
  }

  async #fill(bytes: number): Promise<Segment> {
    const { disk, folder, random, hashing, incarnation } = this.#options;
    const name = segmentFileName(this.#nextSequence);
    const unfinished = joinPath(folder, name + unfinishedSuffix);
    const header = { incarnation, sequence: this.#nextSequence, seed: random.uint32(), bytes };
    const file = await disk.open(unfinished, "create", { syncWrites: true, pastCache: true });
    try {
      await fillWithZeros(file, bytes, disk.memory);
      await file.write(0, [encodeSegmentHeader(header, hashing)]);
      await disk.rename(unfinished, joinPath(folder, name));
      await disk.syncDirectory(folder);
    } catch (error) {
      await file.close();
      if (asNoSpace(error) !== undefined) await this.#removeUnfinished(unfinished);
      throw error;
    }
    return new Segment(header, joinPath(folder, name), file);
  }

  /** It may have its name already, and only that may not be durable: then the next try replaces it. */
  async #removeUnfinished(path: string): Promise<void> {
    try {
      await this.#options.disk.remove(path);
    } catch (error) {
      if (!(error instanceof DiskError && error.kind === "not-found")) throw error;
    }
  }
}

/**
 * Past the cache: what a large write leaves there is kept as a large piece, and each small write into it would have all of that
 * piece written to the disk.
 */
async function fillWithZeros(file: DiskFile, bytes: number, memory: PageMemory): Promise<void> {
  const zeros = memory.allocate(Math.min(zerosBytes, bytes));
  for (let offset = 0; offset < bytes; offset += zeros.length) {
    await file.write(offset, [zeros.subarray(0, Math.min(zeros.length, bytes - offset))]);
  }
}

/** The refusal that passes by itself, or undefined when the failure is another one. */
function asNoSpace(error: unknown): WalError | undefined {
  if (error instanceof WalError && error.kind === "no-space") return error;
  if (!(error instanceof DiskError)) return undefined;
  if (error.kind !== "no-space" && error.kind !== "too-many-files") return undefined;
  return new WalError("no-space", `no room for another log segment: ${error.message}`, error);
}

/** The least length of a segment that has this much room for batches. */
export function segmentBytesFor(batchBytes: number): number {
  return batchesOffset + padToPage(batchBytes);
}
