/**
 * The segment header, one sector. Magic at 0, version at 8, and the checksum of bytes 0 to 507 at 508 stay there in
 * every future version: so a newer format is told from rot, and refused.
 */

import { UnsupportedVersionError } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";
import { batchesOffset, pageBytes, sectorBytes } from "./layout.ts";

export interface SegmentHeader {
  /** 16 bytes: the log's life. */
  readonly incarnation: Uint8Array;
  /** The number in the file's name. */
  readonly sequence: number;
  /** Random; seeds every checksum in the segment. */
  readonly seed: number;
  /** Length of the file. */
  readonly bytes: number;
}

export const incarnationBytes = 16;
const magic = [0x48, 0x46, 0x57, 0x41, 0x4c, 0x53, 0x45, 0x47]; // "HFWALSEG"
const formatVersion = 1;
const checksumOffset = sectorBytes - 4;

/** Both copies, everything in front of the first batch. */
export function encodeSegmentHeader(header: SegmentHeader, hashing: Hashing): Uint8Array {
  const area = new Uint8Array(batchesOffset);
  const view = new DataView(area.buffer);
  area.set(magic);
  view.setUint32(8, formatVersion);
  area.set(header.incarnation, 12);
  view.setBigUint64(28, BigInt(header.sequence));
  view.setUint32(36, header.seed);
  view.setBigUint64(40, BigInt(header.bytes));
  view.setUint32(checksumOffset, hashing.crc32(area.subarray(0, checksumOffset)));
  area.copyWithin(pageBytes, 0, sectorBytes);
  return area;
}

/** From either copy; undefined when both are damaged. Throws UnsupportedVersionError for a newer format. */
export function decodeSegmentHeader(
  area: Uint8Array,
  path: string,
  hashing: Hashing,
): SegmentHeader | undefined {
  for (const offset of [0, pageBytes]) {
    const header = decodeCopy(area.subarray(offset, offset + sectorBytes), path, hashing);
    if (header !== undefined) return header;
  }
  return undefined;
}

function decodeCopy(sector: Uint8Array, path: string, hashing: Hashing): SegmentHeader | undefined {
  if (sector.length < sectorBytes || magic.some((byte, i) => sector[i] !== byte)) return undefined;
  const view = new DataView(sector.buffer, sector.byteOffset, sectorBytes);
  if (hashing.crc32(sector.subarray(0, checksumOffset)) !== view.getUint32(checksumOffset)) return undefined;
  const version = view.getUint32(8);
  if (version !== formatVersion) {
    throw new UnsupportedVersionError(
      `${path}: log format version ${version}; this program knows up to ${formatVersion}: start a newer one`,
    );
  }
  return {
    incarnation: sector.slice(12, 12 + incarnationBytes),
    sequence: Number(view.getBigUint64(28)),
    seed: view.getUint32(36),
    bytes: Number(view.getBigUint64(40)),
  };
}
