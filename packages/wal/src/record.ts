/**
 * What the body of a batch is made of. Tags are never reused. The order of the records is the order of their effects.
 */

import type { GroupId, LogIndex } from "@holdfast/base";
import { assertNever, ByteReader, ballot, DecodeError, groupId, logIndex } from "@holdfast/base";
import type { BatchBuffer } from "./batch-buffer.ts";
import type { DamageEvidence, LogEntry, LogPosition, Suspicion } from "./write-ahead-log.ts";

export type LogRecord =
  /** Contiguous entries that replace the group's suffix from the first one on. */
  | { readonly kind: "entries"; readonly group: GroupId; readonly entries: readonly LogEntry[] }
  | { readonly kind: "hard-state"; readonly group: GroupId; readonly hardState: Uint8Array }
  /** Everything up to here is applied and flushed elsewhere (S9). */
  | { readonly kind: "checkpoint"; readonly group: GroupId; readonly position: LogPosition }
  /** All entries are dropped; the log begins anew behind this position. */
  | { readonly kind: "base"; readonly group: GroupId; readonly position: LogPosition }
  /** Recovery found the log to end here; whatever lies behind it in earlier batches does not count. */
  | { readonly kind: "end"; readonly group: GroupId; readonly last: LogIndex }
  | { readonly kind: "suspect"; readonly group: GroupId; readonly suspicion: Suspicion }
  | { readonly kind: "settled"; readonly group: GroupId }
  | { readonly kind: "forgotten"; readonly group: GroupId };

const tags = {
  entries: 1,
  "hard-state": 2,
  checkpoint: 3,
  base: 4,
  end: 5,
  suspect: 6,
  settled: 7,
  forgotten: 8,
} as const;

const kinds: ReadonlyMap<number, LogRecord["kind"]> = new Map(
  Object.entries(tags).map(([kind, tag]) => [tag, kind as LogRecord["kind"]]),
);
const evidences: readonly DamageEvidence[] = ["torn", "rot", "missing"];
const flagHardStateLost = 1;
const flagOpenEnded = 2;
const prefixBytes = 5;
const entryFixedBytes = 12;

export function recordBytes(record: LogRecord): number {
  switch (record.kind) {
    case "entries": {
      let bytes = prefixBytes + 12;
      for (const entry of record.entries) bytes += entryFixedBytes + entry.payload.length;
      return bytes;
    }
    case "hard-state":
      return prefixBytes + 4 + record.hardState.length;
    case "checkpoint":
    case "base":
      return prefixBytes + 16;
    case "end":
      return prefixBytes + 8;
    case "suspect":
      return prefixBytes + 26;
    case "settled":
    case "forgotten":
      return prefixBytes;
    default:
      return assertNever(record);
  }
}

export function writeRecord(buffer: BatchBuffer, record: LogRecord): void {
  buffer.u8(tags[record.kind]);
  buffer.u32(record.group);
  switch (record.kind) {
    case "entries":
      return writeEntries(buffer, record.entries);
    case "hard-state":
      buffer.u32(record.hardState.length);
      return buffer.raw(record.hardState);
    case "checkpoint":
    case "base":
      buffer.u53(record.position.index);
      return buffer.u53(record.position.ballot);
    case "end":
      return buffer.u53(record.last);
    case "suspect":
      return writeSuspicion(buffer, record.suspicion);
    case "settled":
    case "forgotten":
      return;
    default:
      return assertNever(record);
  }
}

function writeEntries(buffer: BatchBuffer, entries: readonly LogEntry[]): void {
  buffer.u53(entries[0]?.index ?? 0);
  buffer.u32(entries.length);
  for (const entry of entries) {
    buffer.u53(entry.ballot);
    buffer.u32(entry.payload.length);
    buffer.raw(entry.payload);
  }
}

function writeSuspicion(buffer: BatchBuffer, suspicion: Suspicion): void {
  buffer.u53(suspicion.from);
  buffer.u53(suspicion.through);
  buffer.u53(suspicion.ballot);
  buffer.u8((suspicion.hardStateLost ? flagHardStateLost : 0) | (suspicion.openEnded ? flagOpenEnded : 0));
  buffer.u8(evidences.indexOf(suspicion.evidence));
}

/** The records of a body whose checksum was verified. Payloads are views. Throws DecodeError. */
export function decodeRecords(body: Uint8Array): readonly LogRecord[] {
  const reader = new ByteReader(body);
  const records: LogRecord[] = [];
  while (reader.remaining > 0) records.push(readRecord(reader));
  return records;
}

function readRecord(reader: ByteReader): LogRecord {
  const tag = reader.u8();
  const kind = kinds.get(tag);
  if (kind === undefined) throw new DecodeError(`unknown record tag ${tag}`);
  const group = groupId(reader.u32());
  switch (kind) {
    case "entries":
      return { kind, group, entries: readEntries(reader) };
    case "hard-state":
      return { kind, group, hardState: reader.raw(reader.u32()) };
    case "checkpoint":
    case "base":
      return { kind, group, position: { index: logIndex(reader.u53()), ballot: ballot(reader.u53()) } };
    case "end":
      return { kind, group, last: logIndex(reader.u53()) };
    case "suspect":
      return { kind, group, suspicion: readSuspicion(reader) };
    case "settled":
    case "forgotten":
      return { kind, group };
    default:
      return assertNever(kind);
  }
}

function readEntries(reader: ByteReader): readonly LogEntry[] {
  const first = reader.u53();
  const count = reader.u32();
  const entries: LogEntry[] = [];
  for (let i = 0; i < count; i++) {
    const entryBallot = ballot(reader.u53());
    entries.push({ index: logIndex(first + i), ballot: entryBallot, payload: reader.raw(reader.u32()) });
  }
  return entries;
}

function readSuspicion(reader: ByteReader): Suspicion {
  const from = logIndex(reader.u53());
  const through = logIndex(reader.u53());
  const lastBallot = ballot(reader.u53());
  const flags = reader.u8();
  const evidence = evidences[reader.u8()];
  if (evidence === undefined) throw new DecodeError("unknown evidence of damage");
  return {
    from,
    through,
    ballot: lastBallot,
    hardStateLost: (flags & flagHardStateLost) !== 0,
    openEnded: (flags & flagOpenEnded) !== 0,
    evidence,
  };
}
