/** Reads entries back; every batch is verified again, header and body, before any of its entries is handed out. */

import type { GroupId, LogIndex } from "@holdfast/base";
import { assert, logIndex } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";
import { batchHeaderBytesAt, decodeBatchHeader } from "./batch-header.ts";
import type { BatchPlace, GroupLog } from "./group-log.ts";
import { placementSeed } from "./layout.ts";
import { WalError } from "./log-error.ts";
import type { LogRecord } from "./record.ts";
import { decodeRecords } from "./record.ts";
import type { LogEntry } from "./write-ahead-log.ts";

export interface EntriesRange {
  readonly from: LogIndex;
  /** Not included. */
  readonly to: LogIndex;
  readonly bytesMax: number;
}

export async function readEntries(
  log: GroupLog,
  range: EntriesRange,
  hashing: Hashing,
): Promise<readonly LogEntry[]> {
  for (;;) {
    const { truncations } = log;
    const entries = await collect(log, range, truncations, hashing);
    if (entries !== undefined) return entries;
    // The suffix was replaced while it was read: what was collected may mix two logs.
  }
}

/** Undefined when the log was truncated meanwhile. */
async function collect(
  log: GroupLog,
  { from, to, bytesMax }: EntriesRange,
  truncations: number,
  hashing: Hashing,
): Promise<readonly LogEntry[] | undefined> {
  const entries: LogEntry[] = [];
  let bytes = 0;
  let next = from;
  while (next < to) {
    const extent = log.extentAt(next);
    if (extent === undefined) {
      if (entries.length > 0) return entries;
      throw new WalError("compacted", `group ${log.group} has no entry ${next} in its log`);
    }
    const stored = await readBatchEntries(extent.place, log.group, hashing);
    if (log.truncations !== truncations) return undefined;
    for (const end = Math.min(extent.last + 1, to); next < end; next = logIndex(next + 1)) {
      const entry = stored.get(next);
      assert(entry?.ballot === extent.ballot, "a verified batch holds what its extent says");
      bytes += entry.payload.length;
      if (entries.length > 0 && bytes > bytesMax) return entries;
      // A copy, so that an entry does not keep its whole batch alive.
      entries.push({ index: entry.index, ballot: entry.ballot, payload: entry.payload.slice() });
    }
  }
  return entries;
}

async function readBatchEntries(
  place: BatchPlace,
  group: GroupId,
  hashing: Hashing,
): Promise<ReadonlyMap<LogIndex, LogEntry>> {
  const { segment, offset } = place;
  const bytes = await segment.read(offset, place.bytes);
  const body = verifiedBody(bytes, placementSeed(segment.header.seed, offset), hashing);
  if (body === undefined) {
    throw new WalError(
      "damaged",
      `${segment.path} at ${offset}: entries of group ${group} fail their checksum`,
    );
  }
  return entriesOf(decodeRecords(body), group);
}

function verifiedBody(bytes: Uint8Array, seed: number, hashing: Hashing): Uint8Array | undefined {
  const headerBytes = batchHeaderBytesAt(bytes, bytes.length);
  if (headerBytes === undefined) return undefined;
  const header = decodeBatchHeader(bytes.subarray(0, headerBytes), seed, hashing);
  if (header === undefined) return undefined;
  const body = bytes.subarray(headerBytes, headerBytes + header.bodyBytes);
  return hashing.crc32(body, seed) === header.bodyChecksum ? body : undefined;
}

/** What one batch holds of a group; of an index written twice the later entry. */
export function entriesOf(records: readonly LogRecord[], group: GroupId): Map<LogIndex, LogEntry> {
  const entries = new Map<LogIndex, LogEntry>();
  for (const record of records) {
    if (record.kind !== "entries" || record.group !== group) continue;
    for (const entry of record.entries) entries.set(entry.index, entry);
  }
  return entries;
}
