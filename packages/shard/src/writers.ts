/** The writers of a shard (S15): opened, heard of, closed. A number that was opened and is not on record is closed for ever. */

import type { Attempt, WriterId } from "@holdfast/base";
import { attempt, decode, encode, integer, prefixEnd, writerId } from "@holdfast/base";
import type { EntryScope } from "@holdfast/namespace";
import type { StateReader, StateWriter } from "@holdfast/ports";
import type { AttemptSet } from "./attempt-set.ts";
import { intersectAttempts, subtractAttempts } from "./attempt-set.ts";
import type { WriterProgress } from "./command.ts";
import type { ShardResult } from "./result.ts";
import { shardResultCodec } from "./result.ts";
import { lastWriterKey, numberInKey, resultKey, resultsOf, writerKey, writersTable } from "./shard-keys.ts";
import type { WriterRecord } from "./writer-record.ts";
import { isAttemptClosed, withProgress, writerRecordCodec } from "./writer-record.ts";

export interface OpenWriter extends WriterRecord {
  readonly writer: WriterId;
}

/** Undefined for a writer that is closed, or was never opened. */
export function findWriter(state: StateReader, writer: WriterId): WriterRecord | undefined {
  return state.getRecord(writerRecordCodec, writerKey(writer));
}

/** All open writers, by number. */
export function listWriters(state: StateReader): readonly OpenWriter[] {
  const writers: OpenWriter[] = [];
  for (const { key, value } of state.range({ from: writersTable, to: prefixEnd(writersTable) })) {
    writers.push({ writer: writerId(numberInKey(key)), ...decode(writerRecordCodec, value) });
  }
  return writers;
}

/**
 * Whether the attempt may still commit something (S4). One that was answered may not: it is done at most once (S15). A
 * writer above all that were opened is not closed: it is one this state has not come to yet.
 */
export function mayCommit(state: StateReader, writer: WriterId, number: Attempt): boolean {
  const found = findWriter(state, writer);
  if (found === undefined) return writer > lastWriter(state);
  return !isAttemptClosed(found, number) && findResult(state, writer, number) === undefined;
}

export function lastWriter(state: StateReader): number {
  const stored = state.get(lastWriterKey);
  return stored === undefined ? 0 : decode(integer, stored);
}

/** The entry's index is the writer's number. */
export function openWriter({ state, index, timeMs }: EntryScope, node: string, run: string): WriterId {
  const writer = writerId(index);
  const openedNow: Pick<WriterRecord, "openedAtMs" | "lastSeenMs"> = {
    openedAtMs: timeMs,
    lastSeenMs: timeMs,
  };
  storeWriter(state, writer, { node, run, ...openedNow, floor: attempt(0), closed: [], answered: [] });
  state.put(lastWriterKey, encode(integer, writer));
  return writer;
}

/** Its record and results go; what it committed stays. Idempotent. */
export function closeWriter(state: StateWriter, writer: WriterId): void {
  const results = resultsOf(writer);
  for (const { key } of Array.from(state.range({ from: results, to: prefixEnd(results) }))) state.remove(key);
  state.remove(writerKey(writer));
}

export function storeWriter(state: StateWriter, writer: WriterId, found: WriterRecord): void {
  state.keepRecord(writerRecordCodec, writerKey(writer), found);
}

/** Takes in what the writer published: the results of attempts that are closed by now go. The record is not stored yet. */
export function publishProgress(
  state: StateWriter,
  writer: WriterId,
  found: WriterRecord,
  progress: WriterProgress,
): WriterRecord {
  const progressed = withProgress(found, progress);
  if (progressed === found || found.answered.length === 0) return progressed;
  const { floor, closed, answered } = progressed;
  const closedNow: AttemptSet =
    floor === 0 ? closed : [{ first: attempt(0), last: attempt(floor - 1) }, ...closed];
  for (const { first, last } of intersectAttempts(answered, closedNow)) {
    for (let number: number = first; number <= last; number++)
      state.remove(resultKey(writer, attempt(number)));
  }
  return { ...progressed, answered: subtractAttempts(answered, closedNow) };
}

export function findResult(state: StateReader, writer: WriterId, number: Attempt): ShardResult | undefined {
  return state.getRecord(shardResultCodec, resultKey(writer, number));
}

export function storeResult(
  state: StateWriter,
  writer: WriterId,
  number: Attempt,
  result: ShardResult,
): void {
  state.keepRecord(shardResultCodec, resultKey(writer, number), result);
}
