/**
 * Compaction: what still counts in a volume is copied to the active one, then the volume is unlinked.
 *
 * 1. Live blocks, and erasures that still hide something elsewhere, are written to the active volume and synced. Each
 *    keeps its sequence: a copy is not newer than its original. An erasure that overtakes a copy wins.
 * 2. The index is flushed: no entry that is durable points to the old volume any more.
 * 3. The volume is unlinked and its folder synced (S7).
 * 4. Its number is forgotten, and from now on no erasure needs to outlive it.
 *
 * A crash in 1 or 2 leaves copies beside their originals, which are equal; in 3 a volume without anything live, or
 * none. A block that cannot be read keeps its volume: it is not ours to lose what another look may still save.
 */

import type { Disk, Hashing, Journal } from "@holdfast/ports";
import { DiskError, pageBytes } from "@holdfast/ports";
import type { BlockFrames } from "./block-frames.ts";
import type { BlockIndex } from "./block-index.ts";
import type { GroupWriter, WriteOrder } from "./group-writer.ts";
import type { Needle } from "./needle.ts";
import { needleBytes } from "./needle.ts";
import { readNeedle } from "./needle-read.ts";
import type { ReadHistory } from "./read-history.ts";
import type { Volume } from "./volume.ts";
import { deadBytes } from "./volume.ts";
import type { VolumeFiles } from "./volume-files.ts";
import { scanVolume } from "./volume-scan.ts";

export interface Compaction {
  readonly disk: Disk;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly folder: string;
  readonly index: BlockIndex;
  readonly files: VolumeFiles;
  readonly frames: BlockFrames;
  readonly history: ReadHistory;
  readonly writer: GroupWriter;
  readonly copyBytesMax: number;
}

/** What a step copied; the caller waits between steps as long as it likes. */
export interface CompactionStep {
  readonly volume: number;
  readonly copiedBytes: number;
}

/** Whether the volume is gone, or was kept for its damaged blocks. */
export type CompactionOutcome = "removed" | "kept";

/** Volumes of which at least this part is dead, the deadest first; never the active one. */
export function compactionCandidates(
  index: BlockIndex,
  activeVolume: number | undefined,
  deadRatioMin: number,
): readonly number[] {
  return [...index.volumes.values()]
    .filter((volume) => volume.number !== activeVolume && deadRatio(volume) >= deadRatioMin)
    .filter((volume) => volume.liveBlocks === 0 || volume.liveBlocks !== volume.stuckBlocks)
    .sort((a, b) => deadRatio(b) - deadRatio(a) || a.number - b.number)
    .map(({ number }) => number);
}

function deadRatio(volume: Volume): number {
  return volume.liveBlocks === 0 ? 1 : deadBytes(volume) / (volume.end - pageBytes);
}

export async function* compactVolume(
  compaction: Compaction,
  volume: Volume,
): AsyncGenerator<CompactionStep, CompactionOutcome, undefined> {
  const batch: WriteOrder[] = [];
  let bytes = 0;
  for await (const order of liveNeedles(compaction, volume)) {
    batch.push(order);
    bytes += needleBytes(order.body.length);
    if (bytes < compaction.copyBytesMax) continue;
    await writeAll(compaction, batch.splice(0));
    yield { volume: volume.number, copiedBytes: bytes };
    bytes = 0;
  }
  await writeAll(compaction, batch);
  yield { volume: volume.number, copiedBytes: bytes };
  return finish(compaction, volume);
}

async function writeAll({ writer, frames }: Compaction, orders: readonly WriteOrder[]): Promise<void> {
  await Promise.all(orders.map((order) => writer.append(order)));
  for (const { body } of orders) frames.recycle(body);
}

async function* liveNeedles(
  compaction: Compaction,
  volume: Volume,
): AsyncGenerator<WriteOrder, void, undefined> {
  const { files, hashing, index } = compaction;
  // The handle is held as long as the caller takes; files.use cannot span a generator, so the scan opens its own.
  const file = await compaction.disk.open(files.path(volume.number), "read");
  try {
    for await (const part of scanVolume(file, volume, pageBytes, hashing)) {
      if (part.kind === "damage") continue;
      const { needle, offset } = part;
      const order =
        needle.kind === "erasure"
          ? erasureMove(index, needle, volume.number, offset)
          : await blockMove(compaction, needle, volume.number, offset);
      if (order !== undefined) yield order;
    }
  } finally {
    await file.close();
  }
}

function erasureMove(
  index: BlockIndex,
  needle: Needle,
  volume: number,
  offset: number,
): WriteOrder | undefined {
  const isCurrent = (): boolean => {
    const entry = index.erasure(needle.key);
    return entry?.volume === volume && entry.offset === offset;
  };
  if (!isCurrent() || index.dropErasure(needle.key, volume)) return undefined;
  return {
    kind: "erasure",
    key: needle.key,
    body: new Uint8Array(0),
    checksum: 0,
    sequence: needle.sequence,
    isNeeded: isCurrent,
    apply: (copy, place) => {
      index.applyErasure(copy, place);
    },
  };
}

async function blockMove(
  compaction: Compaction,
  needle: Needle,
  volume: number,
  offset: number,
): Promise<WriteOrder | undefined> {
  const { index, journal } = compaction;
  const isCurrent = (): boolean => index.holds(needle.key, { volume, offset });
  if (!isCurrent()) return undefined;
  const read = await readNeedle(compaction, needle.key, { ...needle, volume, offset });
  if (read.kind === "damaged") {
    journal.error("block-corrupt", { volume, offset, reason: read.reason });
    if (isCurrent()) index.markDamaged(needle.key);
    return undefined;
  }
  return {
    kind: "block",
    key: needle.key,
    body: read.body,
    checksum: needle.checksum,
    sequence: needle.sequence,
    // Erased, or written anew, while it waited: then there is nothing to move.
    isNeeded: isCurrent,
    apply: (copy, place) => index.applyBlock(copy, place),
  };
}

async function finish(compaction: Compaction, volume: Volume): Promise<CompactionOutcome> {
  const { disk, folder, index, files, journal, writer } = compaction;
  writer.checkWritable();
  await writer.flushIndex();
  if (volume.liveBlocks > 0) {
    volume.stuckBlocks = volume.liveBlocks;
    journal.error("block-volume-kept", { volume: volume.number, damagedBlocks: volume.liveBlocks });
    return "kept";
  }
  try {
    await disk.remove(files.path(volume.number));
    await disk.syncDirectory(folder);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    throw writer.poison(`volume ${volume.number} could not be unlinked`, error);
  }
  files.forget(volume.number);
  index.forgetVolume(volume.number);
  journal.info("block-volume-removed", { volume: volume.number });
  return "removed";
}
