/**
 * Reads one segment from its first batch to its end. A page that does not begin a batch is searched past, page by
 * page, to the end of the segment: a rotten header in the middle has batches behind it, the end of the log has not.
 */

import type { Hashing } from "@holdfast/ports";
import type { BatchHeader } from "./batch-header.ts";
import { batchHeaderBytes, batchHeaderBytesAt, decodeBatchHeader } from "./batch-header.ts";
import type { BatchPlace } from "./group-log.ts";
import { batchesOffset, isZero, padToPage, pageBytes, placementSeed, sectorBytes } from "./layout.ts";
import type { Segment } from "./segment.ts";
import type { DamageEvidence } from "./write-ahead-log.ts";

export interface FoundBatch {
  readonly kind: "batch";
  readonly place: BatchPlace;
  readonly header: BatchHeader;
  /** Undefined when the checksum does not match. */
  readonly body: Uint8Array | undefined;
  readonly evidence: DamageEvidence;
}

/** Bytes that are no batch, behind the last one of the segment. */
export interface FoundRemains {
  readonly kind: "remains";
  readonly segment: number;
  readonly offset: number;
}

const windowBytes = 1024 * 1024;

export async function* scanSegment(
  segment: Segment,
  hashing: Hashing,
): AsyncGenerator<FoundBatch | FoundRemains> {
  const reader = new WindowReader(segment);
  let offset = batchesOffset;
  let sequenceMin = 0;
  let remains: FoundRemains | undefined;
  while (offset < segment.header.bytes) {
    const batch = await readBatch(reader, segment, offset, hashing);
    if (batch !== undefined && batch.header.sequence > sequenceMin) {
      remains = undefined;
      sequenceMin = batch.header.sequence;
      offset += padToPage(batch.place.bytes);
      yield batch;
    } else {
      const page = await reader.read(offset, pageBytes);
      if (!isZero(page)) remains ??= { kind: "remains", segment: segment.sequence, offset };
      offset += pageBytes;
    }
  }
  if (remains !== undefined) yield remains;
}

async function readBatch(
  reader: WindowReader,
  segment: Segment,
  offset: number,
  hashing: Hashing,
): Promise<FoundBatch | undefined> {
  const bytesMax = segment.header.bytes - offset;
  const headerBytes = batchHeaderBytesAt(await reader.read(offset, batchHeaderBytes(0)), bytesMax);
  if (headerBytes === undefined) return undefined;
  const seed = placementSeed(segment.header.seed, offset);
  const header = decodeBatchHeader(await reader.read(offset, headerBytes), seed, hashing);
  if (header === undefined) return undefined;
  const bytes = headerBytes + header.bodyBytes;
  const whole = await reader.read(offset, padToPage(bytes));
  const body = whole.subarray(headerBytes, bytes);
  const intact = body.length === header.bodyBytes && hashing.crc32(body, seed) === header.bodyChecksum;
  const evidence = intact || !hasUnwrittenSector(whole, headerBytes, bytes) ? "rot" : "torn";
  return {
    kind: "batch",
    place: { segment, offset, bytes },
    header,
    body: intact ? body : undefined,
    evidence,
  };
}

/**
 * A sector of the body that is all zeros was never written: segments are zero-filled before use. The sector in which
 * the body begins holds the end of the good header, so it was. (A payload of 512 zeros looks the same as never
 * written; it matters only where rot hits the last, unproven batch.)
 */
function hasUnwrittenSector(whole: Uint8Array, from: number, to: number): boolean {
  for (let start = Math.ceil(from / sectorBytes) * sectorBytes; start < to; start += sectorBytes) {
    if (isZero(whole.subarray(start, start + sectorBytes))) return true;
  }
  return false;
}

/** Reads a segment front to back in large pieces. */
class WindowReader {
  readonly #segment: Segment;
  #offset = 0;
  #window: Uint8Array = new Uint8Array(0);

  constructor(segment: Segment) {
    this.#segment = segment;
  }

  /** A view; shorter at the end of the file. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const start = offset - this.#offset;
    if (start < 0 || start + length > this.#window.length) {
      this.#window = await this.#segment.read(offset, Math.max(length, windowBytes));
      this.#offset = offset;
      return this.#window.subarray(0, length);
    }
    return this.#window.subarray(start, start + length);
  }
}
