/**
 * Keys of the shard's own tables, beside those of the namespace (its state-keys.ts has the whole list).
 *
 * | table | key behind the table byte | value |
 * | --- | --- | --- |
 * | 0x10 writers | writer 8 | WriterRecord |
 * | 0x11 results | writer 8, attempt 8 | ShardResult |
 * | 0x12 last writer | | the highest writer number ever opened |
 * | 0x13 closed epoch | | below it no evidence counts (S3); absent while none was closed |
 */

import type { Attempt, WriterId } from "@holdfast/base";
import { ByteReader } from "@holdfast/base";
import { numbersKey } from "@holdfast/namespace";

const tables = { writers: 0x10, results: 0x11, lastWriter: 0x12, closedEpoch: 0x13 } as const;

export const writersTable: Uint8Array = numbersKey(tables.writers);
export const resultsTable: Uint8Array = numbersKey(tables.results);
export const lastWriterKey: Uint8Array = numbersKey(tables.lastWriter);
export const closedEpochKey: Uint8Array = numbersKey(tables.closedEpoch);

export function writerKey(writer: WriterId): Uint8Array {
  return numbersKey(tables.writers, writer);
}

export function resultsOf(writer: WriterId): Uint8Array {
  return numbersKey(tables.results, writer);
}

export function resultKey(writer: WriterId, number: Attempt): Uint8Array {
  return numbersKey(tables.results, writer, number);
}

/** The number behind the table byte, or behind as many numbers as said. */
export function numberInKey(key: Uint8Array, position: number = 0): number {
  return new ByteReader(key.subarray(1 + 8 * position)).u53();
}
