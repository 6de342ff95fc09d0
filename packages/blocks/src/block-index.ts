/**
 * The index: which needle holds a block, and what hides the others. A cache of the volumes (S7) in a key-value store
 * behind a write buffer; nothing is durable here before `flush`.
 *
 * Needles are applied in any order and any number of times with the same outcome, since what counts is their
 * sequence: a block is stored when its newest needle is newer than the newest erasure of its content, and than its own. So
 * one and the same code serves puts, compaction, the scan at start and a rebuild from nothing.
 *
 * Invariants:
 * - Only needles that this process, or a proof in the volume, knows to be durable are applied.
 * - A volume's record is written in the same batch as the entries it vouches for: applying and `flush` share no
 *   await. What lies behind `completeThrough` is scanned at the next start.
 * - For everything that was erased here, of every older needle that a volume may still hold some erasure that hides it names
 *   the volume.
 */

import { assert, contentKeyBytes, prefixEnd } from "@holdfast/base";
import type { Hashing, KeyValue } from "@holdfast/ports";
import { WriteBuffer } from "@holdfast/ports";
import { BlockError } from "./block-error.ts";
import type { BlockEntry, ErasureEntry, StoreRecord, VolumeRecord } from "./index-records.ts";
import {
  blockEntryCodec,
  decodeValue,
  encodeValue,
  erasureEntryCodec,
  indexKey,
  storeKey,
  storeRecordCodec,
  volumeKey,
  volumeOfKey,
  volumeRecordCodec,
} from "./index-records.ts";
import type { Needle, NeedlePlace } from "./needle.ts";
import { needleBytes } from "./needle.ts";
import type { Volume } from "./volume.ts";

export interface Erased {
  readonly blocks: number;
  readonly bytes: number;
}

export interface ErasedSlice extends Erased {
  /** Where the next slice starts; undefined when this was the last. */
  readonly next: Uint8Array | undefined;
}

const emptyKey = new Uint8Array(0);
const firstKey: Uint8Array = Uint8Array.of(0);
const unlimited: number = Number.POSITIVE_INFINITY;

export class BlockIndex {
  readonly volumes: Map<number, Volume> = new Map<number, Volume>();
  /** Set before the first flush. */
  incarnation: Uint8Array = emptyKey;
  nextVolume: number = 1;
  nextSequence: number = 1;
  readonly #buffer: WriteBuffer;
  readonly #hashing: Hashing;
  readonly #changedVolumes = new Set<Volume>();

  constructor(store: KeyValue, hashing: Hashing) {
    this.#buffer = new WriteBuffer(store);
    this.#hashing = hashing;
  }

  get pendingBytes(): number {
    return this.#buffer.pendingBytes;
  }

  /** Throws BlockError "corrupt" when the entry is damaged: what was stored is not known without a rebuild. */
  entry(key: Uint8Array): BlockEntry | undefined {
    const stored = indexKey("block", key);
    const value = this.#buffer.get(stored);
    if (value === undefined) return undefined;
    const entry = decodeValue(blockEntryCodec, stored, value, this.#hashing);
    if (entry === undefined) throw new BlockError("corrupt", "the block's entry in the index is damaged");
    return entry;
  }

  /** Undefined when the entry is damaged, too. */
  readableEntry(key: Uint8Array): BlockEntry | undefined {
    try {
      return this.entry(key);
    } catch (error) {
      if (error instanceof BlockError) return undefined;
      throw error;
    }
  }

  /** The newest one of a content, or of one block: `erased` is its key. */
  erasure(erased: Uint8Array): ErasureEntry | undefined {
    const key = indexKey("erasure", erased);
    const value = this.#buffer.get(key);
    return value === undefined ? undefined : decodeValue(erasureEntryCodec, key, value, this.#hashing);
  }

  /** Whether the block can be expected to be read: it is not known to be damaged. */
  isIntact(entry: BlockEntry): boolean {
    return !entry.damaged && this.volumes.has(entry.volume);
  }

  /** Keys of stored blocks from `from` on, up to `to`; used up within the same synchronous run. */
  *blockKeys(from: Uint8Array, to: Uint8Array | undefined, limit: number): Iterable<Uint8Array> {
    const end = indexKey("block", to ?? emptyKey);
    const range = { from: indexKey("block", from), to: to === undefined ? prefixEnd(end) : end, limit };
    for (const { key } of this.#buffer.range(range)) yield key.subarray(1);
  }

  hasBlocks(content: Uint8Array): boolean {
    for (const _ of this.blockKeys(content, prefixEnd(content), 1)) return true;
    return false;
  }

  applyBlock(needle: Needle, place: NeedlePlace): void {
    this.seeSequence(needle.sequence);
    if (this.#isErased(needle)) return this.#addToErasures(needle.key, place.volume);
    const earlier = this.readableEntry(needle.key);
    const wins = earlier === undefined || isNewer(needle.sequence, place, earlier);
    if (!wins) return this.addRemains(needle.key, place.volume);
    if (earlier !== undefined && !isSamePlace(earlier, place)) this.#count(earlier, -1);
    const { bodyBytes, checksum, sequence } = needle;
    const others = earlier === undefined ? [] : [...earlier.remains, earlier.volume];
    const entry: BlockEntry = { ...place, bodyBytes, checksum, sequence, damaged: false, remains: others };
    this.#count(entry, 1);
    this.#putBlock(needle.key, entry);
  }

  /** Hides every older needle of the content, or of the block, and takes the first `limit` of its entries out of the index. */
  applyErasure(needle: Needle, place: NeedlePlace, limit: number = unlimited): ErasedSlice {
    this.seeSequence(needle.sequence);
    const earlier = this.erasure(needle.key);
    const isNewest = earlier === undefined || isNewer(needle.sequence, place, earlier);
    const newest = isNewest ? { ...place, sequence: needle.sequence } : earlier;
    this.#putErasure(needle.key, { ...newest, remains: earlier?.remains ?? [] });
    return this.eraseOlder(needle.key, newest.sequence, needle.key, limit);
  }

  /** Goes on where a slice ended. The erasure is to be acknowledged when no slice is left. */
  eraseOlder(erased: Uint8Array, sequence: number, from: Uint8Array, limit: number): ErasedSlice {
    const hidden: number[] = [];
    let blocks = 0;
    let bytes = 0;
    const keys = [...this.blockKeys(from, prefixEnd(erased), limit)];
    for (const key of keys) {
      const entry = this.readableEntry(key);
      if (entry !== undefined && entry.sequence > sequence) continue;
      this.#buffer.remove(indexKey("block", key));
      if (entry === undefined) continue;
      this.#count(entry, -1);
      hidden.push(entry.volume, ...entry.remains);
      blocks++;
      bytes += entry.bodyBytes;
    }
    const erasure = this.erasure(erased);
    if (erasure !== undefined && hidden.length > 0) {
      this.#putErasure(erased, { ...erasure, remains: [...erasure.remains, ...hidden] });
    }
    return { blocks, bytes, next: keys.length < limit ? undefined : keys.at(-1) };
  }

  /** Whether the block is stored in exactly this place. */
  holds(key: Uint8Array, place: NeedlePlace): boolean {
    const entry = this.readableEntry(key);
    return entry !== undefined && isSamePlace(entry, place);
  }

  /** Whether something durable makes this needle, which is in no index yet, superfluous. */
  isSuperseded(needle: Needle, place: NeedlePlace): boolean {
    if (this.#isErased(needle)) return true;
    const entry = this.readableEntry(needle.key);
    if (entry === undefined || !this.isIntact(entry) || isSamePlace(entry, place)) return false;
    return entry.sequence >= needle.sequence;
  }

  /** A volume may hold an older needle of this block: whoever hides the block must outlive that volume. */
  addRemains(key: Uint8Array, volume: number): void {
    const entry = this.readableEntry(key);
    if (entry !== undefined) this.#putBlock(key, { ...entry, remains: [...entry.remains, volume] });
    this.#addToErasures(key, volume);
  }

  markDamaged(key: Uint8Array): void {
    const entry = this.readableEntry(key);
    if (entry !== undefined && !entry.damaged) this.#putBlock(key, { ...entry, damaged: true });
  }

  /**
   * Drops the erasure when, with `leaving` gone, no volume is left that may hold what it hides. Until `leaving` is
   * really gone nothing can reappear: its needles are indexed already, and a rebuild reads the erasure again.
   */
  dropErasure(erased: Uint8Array, leaving: number): boolean {
    // Entries of the content are either new, or an erasure has not taken them out yet: it names their volumes then. A single
    // block is taken out at once: its entry is new.
    if (erased.length === contentKeyBytes && this.hasBlocks(erased)) return false;
    const remains = this.erasure(erased)?.remains ?? [];
    if (remains.some((volume) => volume !== leaving && this.volumes.has(volume))) return false;
    this.#buffer.remove(indexKey("erasure", erased));
    return true;
  }

  /** No number that stands in a volume is given again. */
  seeSequence(sequence: number): void {
    this.nextSequence = Math.max(this.nextSequence, sequence + 1);
  }

  addVolume(volume: Volume): void {
    assert(!this.volumes.has(volume.number), "volume numbers are used once");
    this.volumes.set(volume.number, volume);
    this.nextVolume = Math.max(this.nextVolume, volume.number + 1);
    this.#changedVolumes.add(volume);
  }

  /** Once its unlinking is durable. */
  forgetVolume(number: number): void {
    const volume = this.volumes.get(number);
    if (volume !== undefined) this.#changedVolumes.delete(volume);
    this.volumes.delete(number);
    this.#buffer.remove(volumeKey(number));
  }

  /** Every needle before `offset` was applied, or counts no more. */
  completeVolume(volume: Volume, offset: number): void {
    assert(offset >= volume.completeThrough, "a volume's indexed part only grows");
    volume.completeThrough = offset;
    this.#changedVolumes.add(volume);
  }

  /** Resolves when everything applied before the call is durable; a failure is final (S11). */
  flush(): Promise<void> {
    for (const volume of this.#changedVolumes) {
      const { seedCrc, completeThrough, liveBytes, liveBlocks } = volume;
      const key = volumeKey(volume.number);
      const value: VolumeRecord = { seedCrc, completeThrough, liveBytes, liveBlocks };
      this.#buffer.put(key, encodeValue(volumeRecordCodec, key, value, this.#hashing));
    }
    this.#changedVolumes.clear();
    const { incarnation, nextVolume, nextSequence } = this;
    const store: StoreRecord = { incarnation, nextVolume, nextSequence };
    this.#buffer.put(storeKey, encodeValue(storeRecordCodec, storeKey, store, this.#hashing));
    return this.#buffer.flush();
  }

  storeRecord(): StoreRecord | undefined {
    const value = this.#buffer.get(storeKey);
    return value === undefined ? undefined : decodeValue(storeRecordCodec, storeKey, value, this.#hashing);
  }

  volumeRecord(number: number): VolumeRecord | undefined {
    const key = volumeKey(number);
    const value = this.#buffer.get(key);
    return value === undefined ? undefined : decodeValue(volumeRecordCodec, key, value, this.#hashing);
  }

  recordedVolumes(): readonly number[] {
    const from = volumeKey(0).subarray(0, 1);
    return [...this.#buffer.range({ from, to: prefixEnd(from) })].map(({ key }) => volumeOfKey(key));
  }

  /** Forgets everything: the volumes will be read again. */
  async clear(): Promise<void> {
    for (;;) {
      const keys = [...this.#buffer.range({ from: firstKey, limit: 10_000 })].map(({ key }) => key);
      if (keys.length === 0) return;
      for (const key of keys) this.#buffer.remove(key);
      await this.#buffer.flush();
    }
  }

  #count(entry: BlockEntry, sign: 1 | -1): void {
    const volume = this.volumes.get(entry.volume);
    if (volume === undefined) return;
    volume.liveBlocks = Math.max(0, volume.liveBlocks + sign);
    volume.liveBytes = Math.max(0, volume.liveBytes + sign * needleBytes(entry.bodyBytes));
    this.#changedVolumes.add(volume);
  }

  #putBlock(key: Uint8Array, entry: BlockEntry): void {
    const stored = indexKey("block", key);
    const value = { ...entry, remains: this.#existing(entry.remains, entry.volume) };
    this.#buffer.put(stored, encodeValue(blockEntryCodec, stored, value, this.#hashing));
  }

  #isErased({ key, sequence }: Needle): boolean {
    return erasedKeysOf(key).some((erased) => (this.erasure(erased)?.sequence ?? -1) > sequence);
  }

  /** Of the block, and of its content. */
  #addToErasures(key: Uint8Array, volume: number): void {
    for (const erased of erasedKeysOf(key)) {
      const erasure = this.erasure(erased);
      if (erasure !== undefined)
        this.#putErasure(erased, { ...erasure, remains: [...erasure.remains, volume] });
    }
  }

  #putErasure(erased: Uint8Array, entry: ErasureEntry): void {
    const key = indexKey("erasure", erased);
    const value = { ...entry, remains: this.#existing(entry.remains) };
    this.#buffer.put(key, encodeValue(erasureEntryCodec, key, value, this.#hashing));
  }

  /** Volume numbers are never used again, so those that are gone can be left out. */
  #existing(numbers: readonly number[], except?: number): readonly number[] {
    return [...new Set(numbers)].filter((number) => number !== except && this.volumes.has(number));
  }
}

/** What an erasure that hides a needle of this block may be of. */
function erasedKeysOf(key: Uint8Array): readonly Uint8Array[] {
  return [key.subarray(0, contentKeyBytes), key];
}

/** Of two needles with one sequence, which are copies, the later place counts: compaction only moves forward. */
function isNewer(sequence: number, place: NeedlePlace, than: BlockEntry | ErasureEntry): boolean {
  if (sequence !== than.sequence) return sequence > than.sequence;
  if (place.volume !== than.volume) return place.volume > than.volume;
  return place.offset >= than.offset;
}

function isSamePlace(a: NeedlePlace, b: NeedlePlace): boolean {
  return a.volume === b.volume && a.offset === b.offset;
}
