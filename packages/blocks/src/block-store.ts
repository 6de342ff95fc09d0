/**
 * The local block engine: blocks in append-only volumes, found through an index (DESIGN.md section 5).
 *
 * What is durable when: `put` and `erase` resolve after their needle was synced. The index is a cache.
 */

import type { BlockId, ContentId, Random } from "@holdfast/base";
import {
  blockIdFromKey,
  blockIdText,
  blockKey,
  contentIdFromKey,
  contentIdText,
  contentKey,
  contentKeyBytes,
  limits,
  MiB,
  prefixEnd,
} from "@holdfast/base";
import type { Clock, Disk, Hashing, Journal, KeyValue } from "@holdfast/ports";
import { DiskError, pageBytes } from "@holdfast/ports";
import { BlockError } from "./block-error.ts";
import type { BlockFrames } from "./block-frames.ts";
import type { BlockIndex, Erased } from "./block-index.ts";
import type { BlockMetrics } from "./block-metrics.ts";
import type { CompactionOutcome, CompactionStep } from "./compaction.ts";
import { compactionCandidates, compactVolume } from "./compaction.ts";
import type { GroupWriter } from "./group-writer.ts";
import { describe } from "./group-writer.ts";
import type { BlockEntry } from "./index-records.ts";
import type { NeedleReader } from "./needle-read.ts";
import { readNeedle } from "./needle-read.ts";
import type { ReadHistory } from "./read-history.ts";
import type { RecoveryReport } from "./recovery.ts";
import { deadBytes } from "./volume.ts";
import type { VolumeFiles } from "./volume-files.ts";

export interface StoredBlock {
  readonly body: Uint8Array;
  /** CRC-32 of the body, verified. */
  readonly checksum: number;
}

export interface BlockStat {
  readonly bytes: number;
  readonly checksum: number;
  /** A read found it damaged: put it again. */
  readonly damaged: boolean;
}

export interface BlocksUsage {
  readonly volumes: number;
  readonly liveBytes: number;
  readonly deadBytes: number;
  readonly blocks: number;
}

export interface VolumeUsage {
  readonly liveBytes: number;
  readonly deadBytes: number;
}

export interface BlocksHealth {
  /** Bytes of blocks that wait for the disk or are being written. */
  readonly queuedBytes: number;
  /** Blocks that a read found damaged since the store was opened. */
  readonly damagedFound: number;
  /** Why no block can be written any more; reads go on. */
  readonly failure: string | undefined;
}

export interface ScrubStep {
  readonly id: BlockId;
  readonly bytes: number;
  readonly outcome: "whole" | "corrupt";
}

export interface BlockStore {
  /** Of this folder, 16 bytes; goes with everything this store says about its blocks (S3). */
  readonly incarnation: Uint8Array;
  readonly recovery: RecoveryReport;
  /** Where bodies to be stored are gathered, and where those lie that were read. */
  readonly frames: BlockFrames;
  /**
   * Resolves when the block is durable. `checksum` is the body's CRC-32 as its writer computed it. The caller leaves
   * the body unchanged until then; it waits while too much is queued. A block that is stored already with the same
   * length and checksum is fine; with another one it is a "conflict" (S1). A block known to be damaged is stored anew.
   */
  put(id: BlockId, body: Uint8Array, checksum: number): Promise<void>;
  /** Verified in full: header, identity, length, checksum. The body may be recycled, or left. Throws BlockError "missing", "corrupt" or "busy". */
  read(id: BlockId): Promise<StoredBlock>;
  /** Whether it is stored and not known to be damaged. */
  has(id: BlockId): boolean;
  /** Throws BlockError "corrupt" when not even the index can tell. */
  stat(id: BlockId): BlockStat | undefined;
  /** Contents that have blocks here, in the order of their keys, behind `after`; for the collector's scan (S4). */
  contents(after: ContentId | undefined, limit: number): readonly ContentId[];
  /** The content's blocks, damaged ones included, in order; from the first, or behind `after`. */
  blocksOf(content: ContentId, after?: BlockId, limit?: number): readonly BlockId[];
  /**
   * Forgets all blocks of the content, durably; their space comes back by compaction. Whether they may be erased is
   * not decided here: only the content's home shard can say (S4). A block put afterwards is a new block.
   */
  erase(content: ContentId): Promise<Erased>;
  /**
   * The same for single blocks, durably, whatever else their content has here: for those that have moved to other nodes (S3).
   * Blocks that are not stored are fine.
   */
  eraseBlocks(ids: readonly BlockId[]): Promise<Erased>;
  usage(): BlocksUsage;
  volumeUsage(volume: number): VolumeUsage | undefined;
  /**
   * Ends the active volume if it is worth compacting: wholly dead, or mostly, with so much that it must not wait until
   * the volume is full. The next put begins another one. True when it was; not while something is being written.
   */
  retireActive(deadBytesMin?: number): Promise<boolean>;
  health(): BlocksHealth;
  /** Volumes worth compacting, the deadest first. */
  compactionCandidates(deadRatioMin?: number): readonly number[];
  /** Step by step, as fast as the caller pulls; one at a time, to its end or until the caller leaves. */
  compact(volume: number): AsyncGenerator<CompactionStep, CompactionOutcome, undefined>;
  /** Reads every block behind `after`, as fast as the caller pulls. */
  scrub(after?: BlockId): AsyncGenerator<ScrubStep, void, undefined>;
  /** Makes the index durable, so that the next start has nothing to scan. */
  flushIndex(): Promise<void>;
  /** Waits for the puts and erasures under way; reads under way may fail. A poisoned store closes like any other. */
  close(): Promise<void>;
}

export interface EngineParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly index: KeyValue;
  readonly folder: string;
  readonly blockIndex: BlockIndex;
  readonly files: VolumeFiles;
  readonly frames: BlockFrames;
  readonly history: ReadHistory;
  readonly writer: GroupWriter;
  readonly recovery: RecoveryReport;
  readonly copyBytesMax: number;
  readonly metrics: BlockMetrics;
}

interface Pending {
  readonly bytes: number;
  readonly checksum: number;
  readonly done: Promise<void>;
}

const nothingErased: Erased = { blocks: 0, bytes: 0 };
/** Index entries taken out in one synchronous run: some milliseconds. */
const eraseSliceBlocks = 1000;
const compactionDeadRatioMin = 0.5;
const retiredDeadBytesMin = 64 * MiB;

export class VolumeBlockStore implements BlockStore {
  readonly incarnation: Uint8Array;
  readonly recovery: RecoveryReport;
  readonly frames: BlockFrames;
  readonly #parts: EngineParts;
  readonly #index: BlockIndex;
  /** Puts under way, by id. */
  readonly #pending = new Map<string, Pending>();
  /** Erasures under way, by content. */
  readonly #erasing = new Map<string, Promise<Erased>>();
  /** Erasures of single blocks under way, by id. */
  readonly #erasingBlocks = new Map<string, Promise<Erased>>();
  #damagedFound = 0;
  #isCompacting = false;
  #isClosed = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#index = parts.blockIndex;
    this.incarnation = parts.blockIndex.incarnation;
    this.recovery = parts.recovery;
    this.frames = parts.frames;
  }

  async put(id: BlockId, body: Uint8Array, checksum: number): Promise<void> {
    this.#checkWritable();
    checkId(id);
    this.#checkBody(id, body, checksum);
    const name = blockIdText(id);
    // A put that comes while its content is erased, or it itself, is a new block: it must not be taken for the one that
    // goes. Behind this loop there is no await up to the entry in #pending.
    const content = contentIdText(id.content);
    const erasure = (): Promise<Erased> | undefined =>
      this.#erasing.get(content) ?? this.#erasingBlocks.get(name);
    for (let going = erasure(); going !== undefined; going = erasure()) {
      await Promise.allSettled([going]);
      this.#checkWritable();
    }
    const pending = this.#pending.get(name);
    if (pending !== undefined) {
      this.#checkSame(id, pending, body.length, checksum);
      return pending.done;
    }
    const key = blockKey(id);
    const entry = this.#index.entry(key);
    if (entry !== undefined) {
      this.#checkSame(id, { bytes: entry.bodyBytes, checksum: entry.checksum }, body.length, checksum);
      if (this.#index.isIntact(entry)) return;
    }
    const done = this.#write(key, body, checksum);
    this.#pending.set(name, { bytes: body.length, checksum, done });
    try {
      await done;
    } finally {
      this.#pending.delete(name);
    }
  }

  async read(id: BlockId): Promise<StoredBlock> {
    this.#checkOpen();
    const key = blockKey(id);
    for (;;) {
      const entry = this.#index.entry(key);
      if (entry === undefined) throw new BlockError("missing", `no block ${blockIdText(id)} here`);
      const read = await readNeedle(this.#reader(), key, entry);
      if (read.kind === "whole") {
        this.#parts.metrics.onRead(read.body.length);
        return { body: read.body, checksum: entry.checksum };
      }
      // Compaction may have moved the block, or an erasure taken it, while it was read.
      if (!this.#index.holds(key, entry)) continue;
      this.#reportCorrupt(id, key, entry, read.reason);
      throw new BlockError("corrupt", `block ${blockIdText(id)}: ${read.reason}`);
    }
  }

  has(id: BlockId): boolean {
    this.#checkOpen();
    const entry = this.#index.readableEntry(blockKey(id));
    return entry !== undefined && this.#index.isIntact(entry);
  }

  stat(id: BlockId): BlockStat | undefined {
    this.#checkOpen();
    const entry = this.#index.entry(blockKey(id));
    if (entry === undefined) return undefined;
    return { bytes: entry.bodyBytes, checksum: entry.checksum, damaged: !this.#index.isIntact(entry) };
  }

  contents(after: ContentId | undefined, limit: number): readonly ContentId[] {
    this.#checkOpen();
    const found: ContentId[] = [];
    let from = after === undefined ? new Uint8Array(contentKeyBytes) : prefixEnd(contentKey(after));
    while (from !== undefined && found.length < limit) {
      const [key] = this.#index.blockKeys(from, undefined, 1);
      if (key === undefined) break;
      found.push(contentIdFromKey(key));
      from = prefixEnd(key.subarray(0, contentKeyBytes));
    }
    return found;
  }

  blocksOf(
    content: ContentId,
    after?: BlockId,
    limit: number = Number.POSITIVE_INFINITY,
  ): readonly BlockId[] {
    this.#checkOpen();
    const prefix = contentKey(content);
    const from = after === undefined ? prefix : prefixEnd(blockKey(after));
    if (from === undefined) return [];
    return [...this.#index.blockKeys(from, prefixEnd(prefix), limit)].map(blockIdFromKey);
  }

  async erase(content: ContentId): Promise<Erased> {
    return this.#eraseOnce(this.#erasing, contentIdText(content), contentKey(content));
  }

  async eraseBlocks(ids: readonly BlockId[]): Promise<Erased> {
    const erased = await Promise.all(
      ids.map((id) => this.#eraseOnce(this.#erasingBlocks, blockIdText(id), blockKey(id))),
    );
    return {
      blocks: erased.reduce((sum, { blocks }) => sum + blocks, 0),
      bytes: erased.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  usage(): BlocksUsage {
    let liveBytes = 0;
    let dead = 0;
    let blocks = 0;
    for (const volume of this.#index.volumes.values()) {
      liveBytes += volume.liveBytes;
      dead += deadBytes(volume);
      blocks += volume.liveBlocks;
    }
    return { volumes: this.#index.volumes.size, liveBytes, deadBytes: dead, blocks };
  }

  volumeUsage(volume: number): VolumeUsage | undefined {
    const found = this.#index.volumes.get(volume);
    return found === undefined ? undefined : { liveBytes: found.liveBytes, deadBytes: deadBytes(found) };
  }

  async retireActive(deadBytesMin: number = retiredDeadBytesMin): Promise<boolean> {
    this.#checkWritable();
    return this.#parts.writer.retireActive((volume, holdsBlocks) => {
      if (volume.end === pageBytes) return false;
      const dead = deadBytes(volume);
      if (volume.liveBlocks > 0) return dead >= deadBytesMin && dead >= volume.liveBytes;
      // Erasures that still hide something would only move on, into a volume that is wholly dead again.
      return holdsBlocks || this.#index.volumes.size === 1;
    });
  }

  health(): BlocksHealth {
    const { queuedBytes, failure } = this.#parts.writer;
    return { queuedBytes, damagedFound: this.#damagedFound, failure: failure?.message };
  }

  compactionCandidates(deadRatioMin: number = compactionDeadRatioMin): readonly number[] {
    return compactionCandidates(this.#index, this.#parts.writer.activeVolume, deadRatioMin);
  }

  async *compact(number: number): AsyncGenerator<CompactionStep, CompactionOutcome, undefined> {
    this.#checkWritable();
    const volume = this.#index.volumes.get(number);
    if (volume === undefined || number === this.#parts.writer.activeVolume) {
      throw new BlockError("refused", `volume ${number} cannot be compacted`);
    }
    if (this.#isCompacting) throw new BlockError("busy", "a compaction runs already");
    this.#isCompacting = true;
    try {
      return yield* compactVolume({ ...this.#parts, index: this.#index }, volume);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      if (error.kind === "too-many-files")
        throw new BlockError("busy", "out of file handles: compact later", error);
      volume.stuckBlocks = volume.liveBlocks;
      throw new BlockError("corrupt", `volume ${number} cannot be read: ${describe(error)}`, error);
    } finally {
      this.#isCompacting = false;
    }
  }

  async *scrub(after?: BlockId): AsyncGenerator<ScrubStep, void, undefined> {
    let from = after === undefined ? new Uint8Array(1) : prefixEnd(blockKey(after));
    while (from !== undefined) {
      this.#checkOpen();
      // By the index, not by volumes: a block whose needle cannot even be recognized has to be found too.
      const [key] = this.#index.blockKeys(from, undefined, 1);
      if (key === undefined) return;
      const step = await this.#scrubOne(blockIdFromKey(key));
      if (step !== undefined) yield step;
      from = prefixEnd(key);
    }
  }

  async flushIndex(): Promise<void> {
    this.#checkOpen();
    await this.#parts.writer.flushIndex();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const puts = Array.from(this.#pending.values(), ({ done }) => done);
    const underWay = [...puts, ...this.#erasing.values(), ...this.#erasingBlocks.values()];
    await Promise.allSettled(underWay);
    await this.#parts.writer.close();
    await this.#parts.files.close();
  }

  async #write(key: Uint8Array, body: Uint8Array, checksum: number): Promise<void> {
    await this.#parts.writer.append({
      kind: "block",
      key,
      body,
      checksum,
      apply: (needle, place) => this.#index.applyBlock(needle, place),
    });
    this.#parts.metrics.onPut(body.length);
  }

  async #eraseOnce(underWay: Map<string, Promise<Erased>>, name: string, key: Uint8Array): Promise<Erased> {
    this.#checkWritable();
    const known = underWay.get(name);
    if (known !== undefined) return known;
    const erasing = this.#erase(key);
    underWay.set(name, erasing);
    try {
      return await erasing;
    } finally {
      underWay.delete(name);
    }
  }

  async #erase(key: Uint8Array): Promise<Erased> {
    let slice = { ...nothingErased, next: undefined as Uint8Array | undefined };
    let sequence = 0;
    await this.#parts.writer.append({
      kind: "erasure",
      key,
      body: new Uint8Array(0),
      checksum: 0,
      isNeeded: () => this.#index.hasBlocks(key),
      apply: (needle, place) => {
        sequence = needle.sequence;
        slice = { ...slice, ...this.#index.applyErasure(needle, place, eraseSliceBlocks) };
      },
    });
    let { blocks, bytes } = slice;
    // A crash in here leaves an erasure that nobody was told of, and blocks that are still listed for the next one.
    while (slice.next !== undefined) {
      await new Promise<void>((resolve) => this.#parts.clock.soon(resolve));
      slice = { ...slice, ...this.#index.eraseOlder(key, sequence, slice.next, eraseSliceBlocks) };
      blocks += slice.blocks;
      bytes += slice.bytes;
    }
    return { blocks, bytes };
  }

  async #scrubOne(id: BlockId): Promise<ScrubStep | undefined> {
    try {
      const { body } = await this.read(id);
      this.frames.recycle(body);
      return { id, bytes: body.length, outcome: "whole" };
    } catch (error) {
      if (!(error instanceof BlockError)) throw error;
      if (error.kind === "missing") return undefined;
      if (error.kind !== "corrupt") throw error;
      return { id, bytes: 0, outcome: "corrupt" };
    }
  }

  #reader(): NeedleReader {
    const { files, hashing, frames, history } = this.#parts;
    return { files, index: this.#index, hashing, frames, history };
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new BlockError("closed", "the block store is closed");
  }

  #checkWritable(): void {
    this.#checkOpen();
    if (this.#parts.writer.failure !== undefined) throw this.#parts.writer.failure;
  }

  #checkBody(id: BlockId, body: Uint8Array, checksum: number): void {
    if (body.length > limits.blockBytesMax) {
      throw new BlockError(
        "refused",
        `block ${blockIdText(id)}: ${body.length} bytes, above ${limits.blockBytesMax}`,
      );
    }
    if (this.#parts.hashing.crc32(body) !== checksum) {
      throw new BlockError("refused", `block ${blockIdText(id)}: the body is not what its checksum says`);
    }
  }

  #checkSame(
    id: BlockId,
    stored: { readonly bytes: number; readonly checksum: number },
    bytes: number,
    checksum: number,
  ): void {
    if (stored.bytes === bytes && stored.checksum === checksum) return;
    // S1: an id names one body for ever. Somebody numbered two attempts alike; both bodies must not live.
    const fields = { storedBytes: stored.bytes, storedChecksum: stored.checksum, bytes, checksum };
    this.#parts.journal.error("block-conflict", { block: blockIdText(id), ...fields });
    throw new BlockError("conflict", `block ${blockIdText(id)} is stored with another body`);
  }

  #reportCorrupt(id: BlockId, key: Uint8Array, entry: BlockEntry, reason: string): void {
    this.#index.markDamaged(key);
    this.#damagedFound++;
    this.#parts.metrics.onDamage();
    const { volume, offset } = entry;
    this.#parts.journal.error("block-corrupt", { block: blockIdText(id), volume, offset, reason });
  }
}

/** Numbers that the fixed fields of a key would cut would make two ids one. */
function checkId(id: BlockId): void {
  const isShort = [id.content.home, id.part, id.sequence, id.salt].every(
    (n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32,
  );
  const isWhole = [id.content.writer, id.content.attempt].every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!isShort || !isWhole) throw new BlockError("refused", `no block id: ${blockIdText(id)}`);
}
