/**
 * What happens at start, before the first answer.
 *
 * The index says for each volume up to where it is complete; what lies behind is scanned, all of it where the index
 * knows nothing. A needle counts as durable if the index knows it, or if a later needle of its volume says that it was
 * written when the volume was synced through it. The rest is the tail. It may hold acknowledged blocks (those of the
 * last group), and it may be in the page cache alone: the process before may have been killed before its sync, or its
 * sync may have failed, after which the cache shows what the disk will never hold. What is read at start is not
 * durable until this process has synced it (S8). So:
 *
 * 1. The tail's whole needles are copied to a fresh volume, with their sequences, and synced.
 * 2. Only then they are in the index, and the old volume counts as complete.
 * 3. The index is flushed, so that the next start need not do it again.
 *
 * A crash in between leaves more copies of the same needles, which the next start treats the same way. No volume of
 * an earlier process is ever written again.
 */

import { equalBytes, toHex } from "@holdfast/base";
import type { Disk, DiskFile, Hashing, Journal } from "@holdfast/ports";
import { DiskError, pageBytes } from "@holdfast/ports";
import { BlockError } from "./block-error.ts";
import type { BlockFrames } from "./block-frames.ts";
import type { BlockIndex } from "./block-index.ts";
import type { GroupWriter, WriteOrder } from "./group-writer.ts";
import type { Needle, NeedlePlace } from "./needle.ts";
import { alignUp, needleBytes } from "./needle.ts";
import { readNeedle } from "./needle-read.ts";
import type { ReadHistory } from "./read-history.ts";
import type { IdentityPorts } from "./store-identity.ts";
import { openIdentity } from "./store-identity.ts";
import type { Volume } from "./volume.ts";
import { newVolume } from "./volume.ts";
import type { VolumeFiles } from "./volume-files.ts";
import type { VolumeHeader } from "./volume-header.ts";
import { decodeVolumeHeader, volumeNumber, volumeSeedCrc } from "./volume-header.ts";
import type { ScannedPart } from "./volume-scan.ts";
import { scanVolume } from "./volume-scan.ts";

export interface RecoveryReport {
  /** Volumes that had more than the index knew. */
  readonly volumesScanned: number;
  /** Needles that the index did not know. */
  readonly needlesFound: number;
  /** Needles of a tail that were copied, since nothing proved them durable. */
  readonly needlesCopied: number;
  /** Bytes at the end of volumes that were never acknowledged, or cannot be told from such. */
  readonly tornBytes: number;
  /** Bytes of damage where everything had been durable: blocks may be lost here. */
  readonly damagedBytes: number;
}

export interface Recovery extends IdentityPorts {
  readonly disk: Disk;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly folder: string;
  readonly index: BlockIndex;
  readonly files: VolumeFiles;
  readonly frames: BlockFrames;
  readonly history: ReadHistory;
  readonly writer: GroupWriter;
  readonly indexFlushBytes: number;
  readonly copyBytesMax: number;
}

interface TailNeedle extends NeedlePlace {
  readonly needle: Needle;
}

interface Progress {
  volumesScanned: number;
  needlesFound: number;
  needlesCopied: number;
  tornBytes: number;
  damagedBytes: number;
}

export async function recover(recovery: Recovery): Promise<RecoveryReport> {
  const { index, journal } = recovery;
  const progress: Progress = {
    volumesScanned: 0,
    needlesFound: 0,
    needlesCopied: 0,
    tornBytes: 0,
    damagedBytes: 0,
  };
  const headers = await readHeaders(recovery);
  await adoptIdentity(recovery, headers);
  await addVolumes(recovery, headers);
  const tail: TailNeedle[] = [];
  for (const volume of index.volumes.values()) {
    const found = await recoverVolume(recovery, volume, progress);
    for (const part of found) tail.push(part);
  }
  await copyTail(recovery, tail, progress);
  // In one synchronous run: whatever the tails' needles became is in the index, so they are complete.
  // The old places still hold needles of these blocks, which an erasure has to outlive.
  for (const { needle, volume } of tail) if (needle.kind === "block") index.addRemains(needle.key, volume);
  for (const volume of index.volumes.values())
    index.completeVolume(volume, Math.max(volume.end, volume.completeThrough));
  if (progress.volumesScanned > 0) await recovery.writer.flushIndex();
  journal.info("blocks-opened", { volumes: index.volumes.size, ...progress });
  return progress;
}

async function readHeaders(recovery: Recovery): Promise<ReadonlyMap<number, VolumeHeader>> {
  const { disk, folder, hashing, journal, files } = recovery;
  const headers = new Map<number, VolumeHeader>();
  for (const name of await disk.list(folder)) {
    const number = volumeNumber(name);
    if (number === undefined) continue;
    recovery.index.nextVolume = Math.max(recovery.index.nextVolume, number + 1);
    const page = await readOrNothing(files, number);
    const header = decodeVolumeHeader(page, hashing);
    if (header !== undefined && header.number === number) headers.set(number, header);
    else if (page.length < pageBytes || header === undefined) await dismiss(recovery, number);
    else journal.error("block-volume-misplaced", { volume: number, is: header.number });
  }
  return headers;
}

async function readOrNothing(files: VolumeFiles, number: number): Promise<Uint8Array> {
  try {
    return await files.use(number, (file) => file.read(0, pageBytes));
  } catch (error) {
    if (error instanceof DiskError && error.kind === "io") return new Uint8Array(0);
    throw error;
  }
}

/**
 * A header is durable before anything else of its volume is written. So a file without one and without more is a
 * volume whose making was interrupted, and goes; with more it is damage, and stays for whoever wants to look at it.
 */
async function dismiss({ disk, folder, files, journal }: Recovery, number: number): Promise<void> {
  let bytes = Number.POSITIVE_INFINITY;
  try {
    bytes = await files.use(number, (file) => file.size());
  } catch (error) {
    if (!(error instanceof DiskError && error.kind === "io")) throw error;
  }
  if (bytes > pageBytes) return journal.error("block-volume-unreadable", { volume: number });
  files.forget(number);
  await disk.remove(files.path(number));
  await disk.syncDirectory(folder);
}

async function adoptIdentity(recovery: Recovery, headers: ReadonlyMap<number, VolumeHeader>): Promise<void> {
  const { index, journal, folder } = recovery;
  const [first] = headers.values();
  const incarnation = await openIdentity(recovery, folder, first?.incarnation);
  for (const [number, header] of headers) {
    if (equalBytes(header.incarnation, incarnation)) continue;
    throw new BlockError(
      "unusable",
      `volume ${number} belongs to another block store (${toHex(header.incarnation)})`,
    );
  }
  const stored = index.storeRecord();
  if (stored === undefined || !equalBytes(stored.incarnation, incarnation)) {
    // The index is a cache (S7): one that is damaged, or of another store, is worth nothing.
    if (stored !== undefined) journal.warn("block-index-foreign", { incarnation: toHex(stored.incarnation) });
    await index.clear();
  } else {
    index.nextVolume = Math.max(index.nextVolume, stored.nextVolume);
    index.nextSequence = Math.max(index.nextSequence, stored.nextSequence);
  }
  index.incarnation = incarnation;
}

async function addVolumes(
  { index, files, hashing, journal }: Recovery,
  headers: ReadonlyMap<number, VolumeHeader>,
): Promise<void> {
  for (const [number, header] of headers) {
    const volume = newVolume(number, volumeSeedCrc(header, hashing));
    const fileBytes = await files.use(number, (file) => file.size());
    volume.end = Math.max(pageBytes, alignUp(fileBytes, pageBytes));
    const record = index.volumeRecord(number);
    if (record !== undefined && record.seedCrc === volume.seedCrc) {
      volume.completeThrough = record.completeThrough;
      volume.liveBytes = record.liveBytes;
      volume.liveBlocks = record.liveBlocks;
      if (volume.end < record.completeThrough) {
        // No alarm yet: a tail that was copied elsewhere at an earlier start may have gone with the power since.
        journal.warn("block-volume-shorter", {
          volume: number,
          bytes: fileBytes,
          earlier: record.completeThrough,
        });
        volume.end = record.completeThrough;
      }
    }
    index.addVolume(volume);
  }
  for (const number of index.recordedVolumes()) {
    if (index.volumes.has(number)) continue;
    const liveBlocks = index.volumeRecord(number)?.liveBlocks ?? 0;
    if (liveBlocks > 0) journal.error("block-volume-lost", { volume: number, blocks: liveBlocks });
    index.forgetVolume(number);
  }
}

/** Brings what is proven durable into the index; gives back the whole needles of the tail. */
async function recoverVolume(
  recovery: Recovery,
  volume: Volume,
  progress: Progress,
): Promise<readonly TailNeedle[]> {
  const { index, files, hashing, writer } = recovery;
  if (volume.end <= volume.completeThrough) return [];
  progress.volumesScanned++;
  const waiting: ScannedPart[] = [];
  let provenThrough = volume.completeThrough;
  await files.use(volume.number, async (file: DiskFile) => {
    for await (const part of scanVolume(file, volume, volume.completeThrough, hashing)) {
      waiting.push(part);
      if (part.kind === "damage") continue;
      progress.needlesFound++;
      index.seeSequence(part.needle.sequence);
      provenThrough = Math.max(provenThrough, part.needle.syncedThrough);
      applyProven(recovery, volume, waiting, provenThrough, progress);
      if (index.pendingBytes >= recovery.indexFlushBytes) await writer.flushIndex();
    }
  });
  return wholeNeedles(recovery, volume, waiting, progress);
}

function applyProven(
  { index, journal }: Recovery,
  volume: Volume,
  waiting: ScannedPart[],
  provenThrough: number,
  progress: Progress,
): void {
  for (let part = waiting[0]; part !== undefined && part.offset < provenThrough; part = waiting[0]) {
    waiting.shift();
    if (part.kind === "damage") {
      progress.damagedBytes += part.end - part.offset;
      journal.error("block-volume-damaged", { volume: volume.number, offset: part.offset, end: part.end });
      continue;
    }
    const place = { volume: volume.number, offset: part.offset };
    if (part.needle.kind === "block") index.applyBlock(part.needle, place);
    else index.applyErasure(part.needle, place);
    index.completeVolume(volume, part.end);
  }
}

async function wholeNeedles(
  recovery: Recovery,
  volume: Volume,
  tail: readonly ScannedPart[],
  progress: Progress,
): Promise<readonly TailNeedle[]> {
  const whole: TailNeedle[] = [];
  for (const part of tail) {
    const isWhole = part.kind === "needle" && (await isReadable(recovery, volume, part.offset, part.needle));
    if (isWhole) whole.push({ volume: volume.number, offset: part.offset, needle: part.needle });
    else progress.tornBytes += part.end - part.offset;
  }
  return whole;
}

async function isReadable(
  recovery: Recovery,
  volume: Volume,
  offset: number,
  needle: Needle,
): Promise<boolean> {
  if (needle.kind === "erasure") return true;
  const read = await readNeedle(recovery, needle.key, { ...needle, volume: volume.number, offset });
  if (read.kind === "whole") recovery.frames.recycle(read.body);
  return read.kind === "whole";
}

/** Erasures first: then blocks that they hide need no copy. */
async function copyTail(recovery: Recovery, tail: readonly TailNeedle[], progress: Progress): Promise<void> {
  const erasures = tail.filter(({ needle }) => needle.kind === "erasure");
  const blocks = tail.filter(({ needle }) => needle.kind === "block");
  for (const batch of batchesOf(erasures, recovery.copyBytesMax)) {
    await Promise.all(batch.map((part) => recovery.writer.append(erasureCopy(recovery, part, progress))));
  }
  for (const batch of batchesOf(blocks, recovery.copyBytesMax)) {
    const orders = await Promise.all(batch.map((part) => blockCopy(recovery, part, progress)));
    await Promise.all(orders.map((order) => recovery.writer.append(order)));
    for (const { body } of orders) recovery.frames.recycle(body);
  }
}

function* batchesOf(parts: readonly TailNeedle[], bytesMax: number): Iterable<readonly TailNeedle[]> {
  let batch: TailNeedle[] = [];
  let bytes = 0;
  for (const part of parts) {
    batch.push(part);
    bytes += needleBytes(part.needle.bodyBytes);
    if (bytes < bytesMax) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function erasureCopy({ index }: Recovery, { needle }: TailNeedle, progress: Progress): WriteOrder {
  return {
    kind: "erasure",
    key: needle.key,
    body: new Uint8Array(0),
    checksum: 0,
    sequence: needle.sequence,
    apply: (copy, place) => {
      progress.needlesCopied++;
      index.applyErasure(copy, place);
    },
  };
}

async function blockCopy(recovery: Recovery, part: TailNeedle, progress: Progress): Promise<WriteOrder> {
  const { index } = recovery;
  const { needle, volume, offset } = part;
  const read = await readNeedle(recovery, needle.key, { ...needle, volume, offset });
  if (read.kind === "damaged")
    throw new BlockError("corrupt", `volume ${volume} changes while it is read: ${read.reason}`);
  return {
    kind: "block",
    key: needle.key,
    body: read.body,
    checksum: needle.checksum,
    sequence: needle.sequence,
    isNeeded: () => !index.isSuperseded(needle, part),
    apply: (copy, place) => {
      progress.needlesCopied++;
      index.applyBlock(copy, place);
    },
  };
}
