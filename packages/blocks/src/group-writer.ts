/**
 * Writes needles to the active volume in groups: what arrives while a group is on its way goes together in the next
 * gathered write and one sync. While one group is synced the next is written already. A caller is answered after its group's
 * sync, which begins behind its write and behind the sync before; never earlier.
 *
 * What is durable when:
 * 1. A new volume: its header is synced, then the folder, so that its name is durable too; then it is the active one.
 * 2. A group: written at the next page boundary behind the last, then synced. Only now its needles are applied to the
 *    index and its callers answered.
 * 3. The index entries become durable at some later flush; until then the start scans the volume for them.
 *
 * Crash or power loss between 1 and 2 leaves an empty volume, within 2 a torn tail that nobody was told about: up to two
 * groups, of which the later may be whole where the earlier is not. Each says up to where all was durable before it.
 *
 * A full disk fails the group alone: its bytes are cut off again and the next one is tried. Any other failure of a
 * write or sync poisons the writer: what the volume holds from there on is unknown, so nothing more is written (S11).
 */

import type { Random } from "@holdfast/base";
import { AssertionError, equalBytes, present } from "@holdfast/base";
import type { Clock, Disk, DiskFile, Hashing, Journal } from "@holdfast/ports";
import { DiskError, pageBytes } from "@holdfast/ports";
import { BlockError } from "./block-error.ts";
import type { BlockFrames } from "./block-frames.ts";
import type { BlockIndex } from "./block-index.ts";
import type { BlockMetrics } from "./block-metrics.ts";
import { ByteGate } from "./byte-gate.ts";
import type { GroupLayout, LaidBody } from "./group-layout.ts";
import { layOutGroup, needleBuffers } from "./group-layout.ts";
import type { Needle, NeedlePlace } from "./needle.ts";
import { encodeNeedleHeader, needleBytes } from "./needle.ts";
import type { Volume } from "./volume.ts";
import { newVolume } from "./volume.ts";
import { encodeVolumeHeader, seedBytes, volumeName, volumeSeedCrc } from "./volume-header.ts";

export interface GroupWriterOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly metrics: BlockMetrics;
  readonly folder: string;
  readonly index: BlockIndex;
  readonly frames: BlockFrames;
  readonly volumeBytesMax: number;
  readonly groupBytesMax: number;
  readonly queueBytesMax: number;
  /** Index changes in memory that start a flush. */
  readonly indexFlushBytes: number;
}

/** A needle to write. The caller leaves the body unchanged until it is answered. */
export interface WriteOrder {
  readonly kind: Needle["kind"];
  readonly key: Uint8Array;
  readonly body: Uint8Array;
  readonly checksum: number;
  /** Of the original, when this is a copy. */
  readonly sequence?: number;
  /**
   * Asked when its turn comes, with everything before it in the index: the world may have changed while it waited. If false
   * it is answered unwritten. Without it, it is needed.
   */
  readonly isNeeded?: () => boolean;
  /** Brings the needle, now durable, into the index. Synchronous. */
  readonly apply: (needle: Needle, place: NeedlePlace) => void;
}

interface Queued {
  readonly order: WriteOrder;
  readonly resolve: () => void;
  readonly reject: (error: BlockError) => void;
}

interface Active {
  readonly volume: Volume;
  readonly file: DiskFile;
  /** Not erasures alone. */
  holdsBlocks: boolean;
  /** Where the next group goes. From the volume's `end` up to here is written and not yet durable. */
  writtenThrough: number;
}

interface Placed {
  readonly needle: Needle;
  readonly order: WriteOrder;
  readonly place: NeedlePlace;
  readonly laid: LaidBody;
}

/** A group in the file that nobody was told of yet. */
interface WrittenGroup {
  readonly group: readonly Queued[];
  readonly active: Active;
  readonly placed: readonly Placed[];
  readonly end: number;
  readonly begunAtMs: number;
}

/** Buffers that stand one behind the other from an offset of the volume on. */
interface Run {
  readonly isFramed: boolean;
  readonly offset: number;
  readonly buffers: Uint8Array[];
}

/** Well below what one gathered write of the operating system takes, with three buffers a needle. */
const needlesPerGroupMax = 256;

export class GroupWriter {
  readonly #options: GroupWriterOptions;
  readonly #gate: ByteGate;
  readonly #queue: Queued[] = [];
  #active: Active | undefined;
  #failure: BlockError | undefined;
  #run: Promise<void> | undefined;
  /** Of the group written last, until it is synced, in the index, and answered. */
  #syncing: Promise<void> | undefined;
  #indexFlush: Promise<void> | undefined;

  constructor(options: GroupWriterOptions) {
    this.#options = options;
    this.#gate = new ByteGate(options.queueBytesMax);
  }

  /** Bytes of orders that wait for their turn or are being written. */
  get queuedBytes(): number {
    return this.#gate.bytes;
  }

  get activeVolume(): number | undefined {
    return this.#active?.volume.number;
  }

  /** Why nothing can be written any more; undefined while all is well. */
  get failure(): BlockError | undefined {
    return this.#failure;
  }

  /** Resolves when the needle is durable and in the index; orders are written in the order of the calls. */
  async append(order: WriteOrder): Promise<void> {
    const bytes = needleBytes(order.body.length);
    await this.#gate.enter(bytes);
    try {
      this.checkWritable();
      await new Promise<void>((resolve, reject) => {
        this.#queue.push({ order, resolve, reject });
        this.#start();
      });
    } finally {
      this.#gate.leave(bytes);
    }
  }

  /** The index made durable; what is in the volumes alone until then is scanned at the next start. */
  async flushIndex(): Promise<void> {
    try {
      await this.#options.index.flush();
    } catch (error) {
      throw this.poison("the index cannot be written", error);
    }
  }

  /** What follows a failure of the disk that leaves unknown what is durable: nothing is written any more (S11). */
  poison(what: string, cause: unknown): BlockError {
    if (this.#failure === undefined) {
      this.#failure = new BlockError("poisoned", `${what}: blocks are read-only until a restart`, cause);
      this.#options.journal.error("block-store-poisoned", { what, reason: describe(cause) });
    }
    return this.#failure;
  }

  checkWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the active volume if it is due and nothing is being written; true when it was ended. */
  async retireActive(isDue: (volume: Volume, holdsBlocks: boolean) => boolean): Promise<boolean> {
    const active = this.#active;
    if (this.#isWriting() || active === undefined) return false;
    // From here to the closing there is no await: what is written next begins a volume of its own.
    if (!isDue(active.volume, active.holdsBlocks)) return false;
    await this.#closeActive();
    return true;
  }

  /** Takes no more orders, finishes those that it has, and makes the index durable. */
  async close(): Promise<void> {
    while (this.#isWriting()) {
      await this.#run;
      await this.#syncing;
    }
    const wasWhole = this.#failure === undefined;
    this.#failure ??= new BlockError("closed", "the block store is closed");
    await this.#closeActive();
    if (!wasWhole) return;
    try {
      await this.#options.index.flush();
    } catch (error) {
      // Nothing is lost: the next start scans what the index did not learn.
      this.#options.journal.error("block-index-flush-failed", { reason: describe(error) });
    }
  }

  #isWriting(): boolean {
    return this.#run !== undefined || this.#syncing !== undefined;
  }

  #start(): void {
    if (this.#run !== undefined) return;
    this.#run = new Promise((finished) => {
      this.#options.clock.soon(() => {
        void this.#drain().then(finished);
      });
    });
  }

  /** A group is written while the one before it is synced; synced and answered they are one after the other. */
  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#takeGroup();
      if (group.some(({ order }) => order.isNeeded !== undefined)) await this.#syncing;
      const written = await this.#write(group);
      await this.#syncing;
      if (written !== undefined)
        this.#syncing = this.#sync(written).finally(() => {
          this.#syncing = undefined;
        });
      await this.#keepIndexSmall();
    }
    this.#run = undefined;
  }

  #takeGroup(): readonly Queued[] {
    let bytes = 0;
    let count = 0;
    for (const { order } of this.#queue) {
      bytes += needleBytes(order.body.length);
      if (count > 0 && (bytes > this.#options.groupBytesMax || count === needlesPerGroupMax)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  /** Undefined when the group is answered already: nothing of it is needed, or it could not be written. */
  async #write(group: readonly Queued[]): Promise<WrittenGroup | undefined> {
    try {
      this.checkWritable();
      const orders = neededOrders(group);
      if (orders.length > 0) return await this.#writeOrders(group, orders);
      for (const { resolve } of group) resolve();
    } catch (error) {
      this.#refuse(group, error);
    }
    return undefined;
  }

  async #writeOrders(group: readonly Queued[], orders: readonly WriteOrder[]): Promise<WrittenGroup> {
    const bodies = orders.map(({ body }) => body);
    const layout = layOutGroup(bodies, this.#options.frames);
    const active = await this.#activeFor(layout.bytes);
    active.holdsBlocks ||= orders.some(({ kind }) => kind === "block");
    const placed = this.#place(orders, layout, active);
    const begunAtMs = this.#options.clock.monotonicMs();
    await this.#writeOut(active, this.#runsOf(placed, active));
    active.writtenThrough += layout.bytes;
    return { group, active, placed, end: active.writtenThrough, begunAtMs };
  }

  /**
   * The group's own sync begins behind its write, and behind the sync before: a failure of that one poisons, so that an error
   * which the system reports but once refuses every group it may be about (S11).
   */
  async #sync({ group, active, placed, end, begunAtMs }: WrittenGroup): Promise<void> {
    const { clock, metrics, index } = this.#options;
    const { volume, file } = active;
    try {
      this.checkWritable();
      await file.sync().catch((error: unknown) => {
        throw this.poison("a sync failed", error);
      });
      metrics.onSync(clock.monotonicMs() - begunAtMs);
      volume.end = end;
      for (const { needle, order, place } of placed) order.apply(needle, place);
      index.completeVolume(volume, end);
      for (const { resolve } of group) resolve();
    } catch (error) {
      this.#refuse(group, error);
    }
  }

  #refuse(group: readonly Queued[], error: unknown): void {
    const failure = this.#asBlockError(error);
    for (const { reject } of group) reject(failure);
  }

  #place(
    orders: readonly WriteOrder[],
    { bodies }: GroupLayout,
    { volume, writtenThrough }: Active,
  ): readonly Placed[] {
    const { index } = this.#options;
    return orders.map((order, i) => {
      // A number is used once even when its group fails: the newest needle of a block is always the one that counts.
      const sequence = order.sequence ?? index.nextSequence++;
      const { kind, key, checksum } = order;
      const needle = {
        kind,
        key,
        bodyBytes: order.body.length,
        checksum,
        sequence,
        syncedThrough: volume.end,
      };
      const laid = present(bodies[i], "a place for each body");
      const place = { volume: volume.number, offset: writtenThrough + laid.offset };
      return { needle, order, place, laid };
    });
  }

  /** Framed needles go out by themselves, the others gathered. */
  #runsOf(placed: readonly Placed[], { volume }: Active): readonly Run[] {
    const runs: Run[] = [];
    for (const { needle, place, laid } of placed) {
      const header = encodeNeedleHeader(needle, volume.seedCrc, place.offset, this.#options.hashing);
      const buffers = needleBuffers(laid, header);
      const isFramed = laid.frame !== undefined;
      const last = runs.at(-1);
      if (last?.isFramed === isFramed) last.buffers.push(...buffers);
      else runs.push({ isFramed, offset: place.offset, buffers: [...buffers] });
    }
    return runs;
  }

  async #writeOut(active: Active, runs: readonly Run[]): Promise<void> {
    try {
      for (const { offset, buffers } of runs) await active.file.write(offset, buffers);
    } catch (error) {
      if (!(error instanceof DiskError && error.kind === "no-space"))
        throw this.poison("a write failed", error);
      // Whole needles of this group may stand in the file, and nobody will answer for them: off with them.
      await this.#cut(active);
      throw error;
    }
  }

  async #cut({ file, writtenThrough }: Active): Promise<void> {
    try {
      await file.truncate(writtenThrough);
    } catch (error) {
      throw this.poison("a failed write could not be cut off", error);
    }
  }

  async #activeFor(bytes: number): Promise<Active> {
    const active = this.#active;
    if (active !== undefined) {
      const { writtenThrough } = active;
      if (writtenThrough === pageBytes || writtenThrough + bytes <= this.#options.volumeBytesMax)
        return active;
      // A volume that is no longer written to may be compacted: by then the index has all of it.
      await this.#syncing;
      await this.#closeActive();
    }
    this.#active = await this.#createVolume();
    return this.#active;
  }

  async #createVolume(): Promise<Active> {
    const { disk, folder, index, hashing, random } = this.#options;
    // Also when this fails half-way: a number stands for one volume for ever.
    const number = index.nextVolume++;
    const path = `${folder}/${volumeName(number)}`;
    const header = { number, incarnation: index.incarnation, seed: random.bytes(seedBytes) };
    let file: DiskFile | undefined;
    try {
      file = await disk.open(path, "create", { pastCache: true });
      await file.write(0, [encodeVolumeHeader(header, hashing)]);
      await file.sync();
      await disk.syncDirectory(folder);
    } catch (error) {
      await this.#abandonVolume(path, file, error);
      throw error;
    }
    const volume = newVolume(number, volumeSeedCrc(header, hashing));
    index.addVolume(volume);
    this.#options.journal.info("block-volume-created", { volume: number });
    return { volume, file, holdsBlocks: false, writtenThrough: volume.end };
  }

  /** For want of space or handles: the file goes, if it can; the next start would find it without a needle. */
  async #abandonVolume(path: string, file: DiskFile | undefined, cause: unknown): Promise<void> {
    const isPassing =
      cause instanceof DiskError && (cause.kind === "no-space" || cause.kind === "too-many-files");
    if (!isPassing) throw this.poison("a volume could not be created", cause);
    if (file === undefined) return;
    try {
      await file.close();
      await this.#options.disk.remove(path);
    } catch (error) {
      this.#options.journal.warn("block-volume-left-behind", { path, reason: describe(error) });
    }
  }

  async #closeActive(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    try {
      await active?.file.close();
    } catch (error) {
      // Everything that was acknowledged has been synced; closing adds nothing to that.
      this.#options.journal.warn("block-volume-close-failed", { reason: describe(error) });
    }
  }

  /** One flush in the background; when writers outrun it they wait, so that the buffer stays bounded. */
  async #keepIndexSmall(): Promise<void> {
    const { index, indexFlushBytes } = this.#options;
    if (index.pendingBytes < indexFlushBytes || this.#failure !== undefined) return;
    this.#indexFlush ??= this.flushIndex()
      .catch(() => undefined) // The writer is poisoned now, which every caller learns.
      .finally(() => {
        this.#indexFlush = undefined;
      });
    if (index.pendingBytes >= 4 * indexFlushBytes) await this.#indexFlush;
  }

  #asBlockError(error: unknown): BlockError {
    if (error instanceof AssertionError) throw error;
    if (error instanceof BlockError) return error;
    if (error instanceof DiskError && error.kind === "no-space") {
      return new BlockError("no-space", "the disk is full: nothing was stored", error);
    }
    if (error instanceof DiskError && error.kind === "too-many-files") {
      return new BlockError("busy", "out of file handles: nothing was stored", error);
    }
    return this.poison("writing failed", error);
  }
}

/** An erasure without anything to erase needs no needle; what stands before it in its group counts as well. */
function neededOrders(group: readonly Queued[]): readonly WriteOrder[] {
  const needed: WriteOrder[] = [];
  for (const { order } of group) {
    const isBehindItsBlock =
      order.kind === "erasure" &&
      needed.some(
        ({ kind, key }) => kind === "block" && equalBytes(key.subarray(0, order.key.length), order.key),
      );
    if (isBehindItsBlock || order.isNeeded?.() !== false) needed.push(order);
  }
  return needed;
}

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
