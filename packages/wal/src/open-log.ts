/**
 * Opens the log of a folder. Steps, each of which may be cut short by a crash and is then done again:
 * 1. unfinished segments are removed; the others are scanned in order and replayed (replay.ts);
 * 2. a fresh segment is prepared behind them;
 * 3. one batch into it states every group anew, with the suspicions found, and repeats what the last, unproven batch
 *    held: only now is that durable by this process' own doing (S8). It takes that batch's number, and so its place.
 * Until 3 is durable the old tail is judged again at the next start; after it the copy counts. The old segments stay
 * until their entries are checkpointed.
 */

import type { GroupId, LogIndex, Random } from "@holdfast/base";
import { assert, logIndex, MiB, toHex } from "@holdfast/base";
import type { Clock, Disk, Hashing, Journal, Metrics } from "@holdfast/ports";
import type { FoundSegment } from "./find-segments.ts";
import { closeSegments, findSegments, holdsBytes } from "./find-segments.ts";
import type { GroupLog } from "./group-log.ts";
import { batchesOffset, pageBytes } from "./layout.ts";
import { WalError } from "./log-error.ts";
import { entriesOf } from "./log-reader.ts";
import type { LogRecord } from "./record.ts";
import type { HeldBatch } from "./replay.ts";
import { Replay } from "./replay.ts";
import type { FoundRemains } from "./scan.ts";
import { scanSegment } from "./scan.ts";
import type { Segment } from "./segment.ts";
import { incarnationBytes } from "./segment-header.ts";
import { SegmentSupply } from "./segment-supply.ts";
import { SegmentedLog } from "./segmented-log.ts";
import type { CutTail, Suspicion, WalRecovery, WriteAheadLog } from "./write-ahead-log.ts";

export interface OpenLogOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly metrics?: Metrics;
  readonly folder: string;
  /** 16 bytes: the life of a log that is made; drawn unless given. A log that there is keeps its own. */
  readonly incarnation?: Uint8Array;
  /** Length of a segment file; a multiple of 4096. */
  readonly segmentBytes?: number;
  /** A batch takes no further append beyond this. */
  readonly batchBytesMax?: number;
  /** Appends beyond this are refused while others wait. */
  readonly queueBytesMax?: number;
  /** Room on the disk that no new segment may take. */
  readonly reserveBytes?: number;
  /** An idle log proves its last batch after so long. */
  readonly proofDelayMs?: number;
  /**
   * What becomes of a last batch with a good header whose body has sectors that were never written: it was not
   * acknowledged, unless the disk lied. `suspect` (the default) is right with peers, `cut` for a single voter. A body
   * that was written and has changed since is always suspect.
   */
  readonly onTornTail?: "cut" | "suspect";
}

export interface OpenedLog {
  readonly log: WriteAheadLog;
  readonly recovery: WalRecovery;
}

export const segmentBytesMin: number = batchesOffset + 8 * pageBytes;

/** Resolves when everything that the log shows was made durable by this process. Rejects with WalError or DiskError. */
export async function openWriteAheadLog(options: OpenLogOptions): Promise<OpenedLog> {
  const { disk, folder, hashing, segmentBytes = 64 * MiB } = options;
  assert(
    segmentBytes % pageBytes === 0 && segmentBytes >= segmentBytesMin,
    `segments of ${segmentBytes} bytes`,
  );
  const found = await findSegments(disk, folder, hashing);
  try {
    const scanned = await scanAll(found, options);
    const { log, suspects } = await begin(scanned, options);
    return { log, recovery: recoveryOf(log, scanned, suspects) };
  } catch (error) {
    await closeSegments(found);
    throw error;
  }
}

interface Scanned {
  readonly replay: Replay;
  /** Those that hold batches, or may. */
  readonly segments: readonly Segment[];
  readonly cut: CutTail | undefined;
}

async function scanAll(found: readonly FoundSegment[], options: OpenLogOptions): Promise<Scanned> {
  const replay = new Replay();
  let remains: FoundRemains | undefined;
  let usedCount = 0;
  for (const [position, { segment, unreadable }] of found.entries()) {
    if (unreadable) {
      if (!(await holdsBytes(segment))) continue;
      options.journal.error("wal.segment.unreadable", { path: segment.path });
      replay.loseUnknown();
      usedCount = position + 1;
      continue;
    }
    for await (const item of scanSegment(segment, options.hashing)) {
      remains = item.kind === "remains" ? item : undefined;
      if (item.kind === "batch") replay.add(item);
      usedCount = position + 1;
    }
  }
  const segments = found.slice(0, usedCount).map((one) => one.segment);
  if (segments.length > 0 && replay.batchesCount === 0) {
    throw new WalError("damaged", "no segment of the log can be read: replace the node or restore its log");
  }
  await removeEmpty(found.slice(usedCount), options.disk);
  return { replay, segments, cut: judgeTail(replay, remains, options) };
}

/** Segments prepared ahead that nothing was written to: they are made anew when they are needed. */
async function removeEmpty(empty: readonly FoundSegment[], disk: Disk): Promise<void> {
  for (const { segment } of empty) {
    await segment.retire();
    await disk.remove(segment.path);
  }
}

/** Only damage beyond everything proven is cut (S10). */
function judgeTail(
  replay: Replay,
  remains: FoundRemains | undefined,
  options: OpenLogOptions,
): CutTail | undefined {
  const found = replay.held?.found;
  if (found?.body === undefined && found?.evidence === "torn" && options.onTornTail === "cut") {
    replay.dropHeld();
    const groups = found.header.marks.filter((mark) => mark.firstIndex > 0 || mark.hardStateNew);
    const { segment, offset } = found.place;
    return { segment: segment.sequence, offset, evidence: "torn", groups: groups.map((mark) => mark.group) };
  }
  if (remains === undefined) return undefined;
  return { segment: remains.segment, offset: remains.offset, evidence: "missing", groups: [] };
}

interface Begun {
  readonly log: SegmentedLog;
  readonly suspects: ReadonlyMap<GroupId, Suspicion>;
}

async function begin({ replay, segments }: Scanned, options: OpenLogOptions): Promise<Begun> {
  const { held, nextSequence } = replay;
  const logs = replay.finish();
  const incarnation =
    incarnationOf(segments) ?? options.incarnation ?? options.random.bytes(incarnationBytes);
  assert(incarnation.length === incarnationBytes, "the life of a log has its length");
  const sequence = (segments.at(-1)?.sequence ?? 0) + 1;
  const { segmentBytes = 64 * MiB, reserveBytes = 0 } = options;
  const supply = new SegmentSupply({ ...options, incarnation, segmentBytes, reserveBytes }, sequence);
  const log = new SegmentedLog(
    {
      ...options,
      incarnation: toHex(incarnation),
      segmentBytes,
      batchBytesMax: options.batchBytesMax ?? 8 * MiB,
      queueBytesMax: options.queueBytesMax ?? 64 * MiB,
      proofDelayMs: options.proofDelayMs ?? 20,
    },
    { logs, segments, supply, nextSequence, headersLost: replay.headersLost },
  );
  const suspects = new Map<GroupId, Suspicion>();
  for (const { group, suspicion } of logs.values())
    if (suspicion !== undefined) suspects.set(group, suspicion);
  try {
    await log.begin(recoveryRecords(logs, held));
  } catch (error) {
    await log.close();
    throw error;
  }
  return { log, suspects };
}

function incarnationOf(segments: readonly Segment[]): Uint8Array | undefined {
  return segments.find((segment) => segment.header.incarnation.some((byte) => byte !== 0))?.header
    .incarnation;
}

/**
 * What the fresh segment's first batch says beyond the state of every group: where the logs end that were cut or
 * replaced, and the entries of the held batch that still count.
 */
function recoveryRecords(
  logs: ReadonlyMap<GroupId, GroupLog>,
  held: HeldBatch | undefined,
): readonly LogRecord[] {
  const records: LogRecord[] = [];
  const marks = new Map((held?.found.header.marks ?? []).map((mark) => [mark.group, mark]));
  for (const record of held?.records ?? []) if (record.kind === "forgotten") records.push(record);
  for (const log of logs.values()) {
    const { group, hardState, suspicion } = log;
    const mark = marks.get(group);
    if (mark?.hardStateNew === true && hardState !== undefined)
      records.push({ kind: "hard-state", group, hardState });
    if ((mark?.firstIndex ?? 0) === 0 && suspicion === undefined) continue;
    const surviving = log.extents.find((extent) => extent.place === held?.found.place);
    const last = surviving === undefined ? log.last.index : logIndex(surviving.first - 1);
    records.push({ kind: "end", group, last });
    if (surviving !== undefined && held?.records !== undefined) {
      records.push(entriesFrom(group, held.records, surviving.first, log.last.index));
    }
    if (suspicion !== undefined) records.push({ kind: "suspect", group, suspicion });
  }
  return records;
}

function entriesFrom(group: GroupId, held: readonly LogRecord[], first: LogIndex, last: LogIndex): LogRecord {
  const stored = [...entriesOf(held, group).values()].filter(({ index }) => index >= first && index <= last);
  const entries = stored.sort((a, b) => a.index - b.index);
  assert(entries.length === last - first + 1, "the held batch holds the entries that the log says it does");
  return { kind: "entries", group, entries };
}

function recoveryOf(
  log: SegmentedLog,
  scanned: Scanned,
  suspects: ReadonlyMap<GroupId, Suspicion>,
): WalRecovery {
  const groups = log.groups().flatMap((group) => {
    const info = log.group(group);
    return info === undefined ? [] : [[group, info] as const];
  });
  return {
    created: scanned.segments.length === 0,
    groups: new Map(groups),
    suspects,
    cut: scanned.cut,
    headersLost: scanned.replay.headersLost,
    batchesCount: scanned.replay.batchesCount,
    damagedBatchesCount: scanned.replay.damagedBatchesCount,
    segmentsCount: scanned.segments.length,
  };
}
