/** Puts records together to one batch: body, marks per group, header. */

import type { Ballot, GroupId, LogIndex } from "@holdfast/base";
import { assertNever, logIndex } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";
import { BatchBuffer } from "./batch-buffer.ts";
import { batchHeaderBytes, writeBatchHeader } from "./batch-header.ts";
import { GroupLog } from "./group-log.ts";
import { placementSeed } from "./layout.ts";
import type { LogRecord } from "./record.ts";
import { recordBytes, writeRecord } from "./record.ts";
import type { Segment } from "./segment.ts";

export interface BatchContents {
  readonly sequence: number;
  /** Groups whose hard state, checkpoint and suspicion are stated anew (S9). */
  readonly restated: readonly GroupLog[];
  readonly records: readonly LogRecord[];
}

export interface BuiltBatch {
  /** Padded to the page; a view of the builder's one buffer, good until the next batch is built. */
  readonly padded: Uint8Array;
  /** Header and body. */
  readonly bytes: number;
}

interface GrowingMark {
  readonly group: GroupId;
  readonly previous: number;
  firstIndex: LogIndex;
  lastIndex: LogIndex;
  lastBallot: Ballot;
  hardStateNew: boolean;
  restated: boolean;
}

export class BatchBuilder {
  readonly #hashing: Hashing;
  readonly #buffer: BatchBuffer;
  readonly #marks = new Map<GroupId, GrowingMark>();

  constructor(hashing: Hashing, bytesKept: number) {
    this.#hashing = hashing;
    this.#buffer = new BatchBuffer(bytesKept);
  }

  /** `logOf`: the group as it is durable now, before the batch. */
  build(
    contents: BatchContents,
    segment: Segment,
    offset: number,
    logOf: (group: GroupId) => GroupLog,
  ): BuiltBatch {
    const restatements = contents.restated.flatMap(restatement);
    this.#marks.clear();
    for (const log of contents.restated) this.#markOf(log).restated = true;
    let bodyBytes = 0;
    for (const record of restatements) bodyBytes += recordBytes(record);
    for (const record of contents.records) {
      bodyBytes += recordBytes(record);
      this.#mark(record, logOf(record.group));
    }
    const headerBytes = batchHeaderBytes(this.#marks.size);
    const bytes = headerBytes + bodyBytes;
    this.#buffer.begin(bytes, headerBytes);
    for (const record of restatements) writeRecord(this.#buffer, record);
    for (const record of contents.records) writeRecord(this.#buffer, record);
    const padded = this.#buffer.finish();
    const seed = placementSeed(segment.header.seed, offset);
    const header = {
      sequence: contents.sequence,
      headerBytes,
      bodyBytes,
      bodyChecksum: this.#hashing.crc32(this.#buffer.bytes(headerBytes, bytes), seed),
      marks: [...this.#marks.values()],
    };
    writeBatchHeader(this.#buffer, header, seed, this.#hashing);
    return { padded, bytes };
  }

  #markOf(log: GroupLog): GrowingMark {
    const found = this.#marks.get(log.group);
    if (found !== undefined) return found;
    const mark: GrowingMark = {
      group: log.group,
      previous: log.touchedBy,
      firstIndex: logIndex(0),
      lastIndex: log.last.index,
      lastBallot: log.last.ballot,
      hardStateNew: false,
      restated: false,
    };
    this.#marks.set(log.group, mark);
    return mark;
  }

  #mark(record: LogRecord, log: GroupLog): void {
    const mark = this.#markOf(log);
    switch (record.kind) {
      case "entries": {
        const last = record.entries.at(-1);
        touch(mark, record.entries[0]?.index ?? logIndex(0));
        mark.lastIndex = last?.index ?? mark.lastIndex;
        mark.lastBallot = last?.ballot ?? mark.lastBallot;
        return;
      }
      case "base":
        touch(mark, logIndex(log.checkpoint.index + 1));
        mark.lastIndex = record.position.index;
        mark.lastBallot = record.position.ballot;
        return;
      case "end":
        touch(mark, logIndex(record.last + 1));
        return;
      case "hard-state":
      case "suspect":
        // If the suspicion is lost, a lost hard state keeps the group suspect.
        mark.hardStateNew = true;
        return;
      case "checkpoint":
      case "settled":
      case "forgotten":
        return;
      default:
        return assertNever(record);
    }
  }
}

function touch(mark: GrowingMark, index: LogIndex): void {
  if (mark.firstIndex === 0 || index < mark.firstIndex) mark.firstIndex = index;
}

function restatement(log: GroupLog): LogRecord[] {
  const { group, hardState, suspicion } = log;
  const records: LogRecord[] = [{ kind: "checkpoint", group, position: log.checkpoint }];
  if (hardState !== undefined) records.push({ kind: "hard-state", group, hardState });
  if (suspicion !== undefined) records.push({ kind: "suspect", group, suspicion });
  return records;
}

/** Bytes that the restatement of these groups takes in a batch, marks included. */
export function restatedBytes(logs: Iterable<GroupLog>): number {
  let bytes = 0;
  for (const log of logs) {
    bytes += batchHeaderBytes(1);
    for (const record of restatement(log)) bytes += recordBytes(record);
  }
  return bytes;
}
