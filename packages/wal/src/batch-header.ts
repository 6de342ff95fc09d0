/**
 * The batch header: checksummed on its own, so that a damaged body still has a witness that names what was in it
 * (S10). Fixed widths, big-endian:
 *
 *   0 magic  4 checksum of the rest of the header  8 header bytes  12 body bytes  16 checksum of the body
 *   20 sequence (8)  28 groups  32 the marks, 40 bytes each:
 *      0 group  4 flags  8 previous (8)  16 first index (8)  24 last index (8)  32 last ballot (8)
 */

import type { Ballot, GroupId, LogIndex } from "@holdfast/base";
import { ballot, groupId, logIndex } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";
import type { BatchBuffer } from "./batch-buffer.ts";

/** What a batch did to one group. */
export interface GroupMark {
  readonly group: GroupId;
  /** The batch that named the group before this one; 0 for the first. If that is not what a reader saw, one is lost. */
  readonly previous: number;
  /** Lowest index whose entry this batch wrote, replaced or dropped; 0 when it touched none. */
  readonly firstIndex: LogIndex;
  /** The group's last entry after the batch. */
  readonly lastIndex: LogIndex;
  readonly lastBallot: Ballot;
  /** A new hard state is in the batch. */
  readonly hardStateNew: boolean;
  /** Hard state and checkpoint are repeated, for readers that begin here (S9). */
  readonly restated: boolean;
}

export interface BatchHeader {
  /** Counts the batches of the log, over all its segments, from 1. */
  readonly sequence: number;
  readonly headerBytes: number;
  readonly bodyBytes: number;
  readonly bodyChecksum: number;
  readonly marks: readonly GroupMark[];
}

const batchMagic = 0x4846_5742; // "HFWB"
const fixedBytes = 32;
export const markBytes = 40;
const flagHardStateNew = 1;
const flagRestated = 2;
const two32 = 0x1_0000_0000;

export function batchHeaderBytes(marksCount: number): number {
  return fixedBytes + markBytes * marksCount;
}

/** Writes the header in front of the body that is already in the buffer. */
export function writeBatchHeader(
  buffer: BatchBuffer,
  header: BatchHeader,
  checksumSeed: number,
  hashing: Hashing,
): void {
  const { view } = buffer;
  view.setUint32(0, batchMagic);
  view.setUint32(8, header.headerBytes);
  view.setUint32(12, header.bodyBytes);
  view.setUint32(16, header.bodyChecksum);
  setUint53(view, 20, header.sequence);
  view.setUint32(28, header.marks.length);
  let offset = fixedBytes;
  for (const mark of header.marks) {
    view.setUint32(offset, mark.group);
    view.setUint32(
      offset + 4,
      (mark.hardStateNew ? flagHardStateNew : 0) | (mark.restated ? flagRestated : 0),
    );
    setUint53(view, offset + 8, mark.previous);
    setUint53(view, offset + 16, mark.firstIndex);
    setUint53(view, offset + 24, mark.lastIndex);
    setUint53(view, offset + 32, mark.lastBallot);
    offset += markBytes;
  }
  view.setUint32(4, hashing.crc32(buffer.bytes(8, header.headerBytes), checksumSeed));
}

/** Length of the header that may begin here, or undefined when none does: cheap, before the checksum is taken. */
export function batchHeaderBytesAt(start: Uint8Array, bytesMax: number): number | undefined {
  if (start.length < fixedBytes) return undefined;
  const view = new DataView(start.buffer, start.byteOffset, fixedBytes);
  if (view.getUint32(0) !== batchMagic) return undefined;
  const headerBytes = view.getUint32(8);
  const bodyBytes = view.getUint32(12);
  if (headerBytes !== batchHeaderBytes(view.getUint32(28)) || headerBytes + bodyBytes > bytesMax)
    return undefined;
  return headerBytes;
}

/** Undefined unless the checksum says that these bytes were written here. */
export function decodeBatchHeader(
  bytes: Uint8Array,
  checksumSeed: number,
  hashing: Hashing,
): BatchHeader | undefined {
  if (bytes.length < fixedBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (hashing.crc32(bytes.subarray(8), checksumSeed) !== view.getUint32(4)) return undefined;
  const marks: GroupMark[] = [];
  for (let offset = fixedBytes; offset < bytes.length; offset += markBytes) marks.push(markAt(view, offset));
  return {
    sequence: uint53(view, 20),
    headerBytes: view.getUint32(8),
    bodyBytes: view.getUint32(12),
    bodyChecksum: view.getUint32(16),
    marks,
  };
}

function markAt(view: DataView, offset: number): GroupMark {
  const flags = view.getUint32(offset + 4);
  return {
    group: groupId(view.getUint32(offset)),
    previous: uint53(view, offset + 8),
    firstIndex: logIndex(uint53(view, offset + 16)),
    lastIndex: logIndex(uint53(view, offset + 24)),
    lastBallot: ballot(uint53(view, offset + 32)),
    hardStateNew: (flags & flagHardStateNew) !== 0,
    restated: (flags & flagRestated) !== 0,
  };
}

function setUint53(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / two32));
  view.setUint32(offset + 4, value >>> 0);
}

function uint53(view: DataView, offset: number): number {
  return view.getUint32(offset) * two32 + view.getUint32(offset + 4);
}
