/**
 * A needle: what a volume is made of. 64 bytes of header, then the body, then zeros up to the next multiple of 64.
 *
 *     0  magic: "HFNB" a block, "HFNE" an erasure of a content, "HFNF" an erasure of one block (volumes of version 2)
 *     4  block key (an erasure of a content: content key, then zeros), 32 bytes
 *    36  body length
 *    40  CRC-32 of the body
 *    44  sequence, 8 bytes: the order of all puts and erasures of the store; a copy keeps its original's
 *    52  synced through, 8 bytes: the volume was durable up to this offset when the needle was written
 *    60  CRC-32 of volume seed, offset of the needle, and the 60 bytes before
 *
 * The header's checksum is bound to volume and offset. So a needle that was written to the wrong place never counts
 * there, and neither do bytes inside a user's body that look like a needle: whoever made them does not know the seed.
 */

import { ByteReader, ByteWriter, blockKeyBytes, contentKeyBytes, limits } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";

export const needleHeaderBytes = 64;
/** Needles start at multiples of this. */
export const needleAlignmentBytes = 64;
const blockMagic = 0x4846_4e42;
const contentErasureMagic = 0x4846_4e45;
const blockErasureMagic = 0x4846_4e46;

export interface Needle {
  readonly kind: "block" | "erasure";
  /** Block key; of an erasure, the content key of what is erased, or the key of the one block. */
  readonly key: Uint8Array;
  readonly bodyBytes: number;
  readonly checksum: number;
  readonly sequence: number;
  readonly syncedThrough: number;
}

/** Where a needle stands. */
export interface NeedlePlace {
  readonly volume: number;
  readonly offset: number;
}

/** Bytes that a needle takes in its volume. */
export function needleBytes(bodyBytes: number): number {
  return alignUp(needleHeaderBytes + bodyBytes, needleAlignmentBytes);
}

export function alignUp(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

export function encodeNeedleHeader(
  needle: Needle,
  seedCrc: number,
  offset: number,
  hashing: Hashing,
): Uint8Array {
  const writer = new ByteWriter(needleHeaderBytes);
  writer.u32(magicOf(needle));
  writer.raw(needle.key);
  writer.raw(new Uint8Array(blockKeyBytes - needle.key.length));
  writer.u32(needle.bodyBytes);
  writer.u32(needle.checksum);
  writer.u53(needle.sequence);
  writer.u53(needle.syncedThrough);
  writer.u32(headerCrc(writer.finish(), seedCrc, offset, hashing));
  return writer.finish();
}

function magicOf({ kind, key }: Needle): number {
  if (kind === "block") return blockMagic;
  return key.length === contentKeyBytes ? contentErasureMagic : blockErasureMagic;
}

/** Undefined unless a whole header that was written for this volume and offset starts at `at`. */
export function decodeNeedleHeader(
  bytes: Uint8Array,
  at: number,
  seedCrc: number,
  offset: number,
  hashing: Hashing,
): Needle | undefined {
  // Searching damage looks at every aligned place: three comparisons settle nearly all of them.
  if (bytes[at] !== 0x48 || bytes[at + 1] !== 0x46 || bytes[at + 2] !== 0x4e) return undefined;
  if (at + needleHeaderBytes > bytes.length) return undefined;
  const header = bytes.subarray(at, at + needleHeaderBytes);
  const covered = header.subarray(0, needleHeaderBytes - 4);
  const crc = new ByteReader(header.subarray(needleHeaderBytes - 4)).u32();
  if (headerCrc(covered, seedCrc, offset, hashing) !== crc) return undefined;
  return decodeFields(new ByteReader(covered), offset);
}

function decodeFields(reader: ByteReader, offset: number): Needle | undefined {
  const magic = reader.u32();
  if (magic !== blockMagic && magic !== contentErasureMagic && magic !== blockErasureMagic) return undefined;
  const kind = magic === blockMagic ? "block" : "erasure";
  const keyBytes = magic === contentErasureMagic ? contentKeyBytes : blockKeyBytes;
  const key = reader.raw(blockKeyBytes).slice(0, keyBytes);
  const bodyBytes = reader.u32();
  const checksum = reader.u32();
  const sequence = reader.u53();
  const syncedThrough = reader.u53();
  if (bodyBytes > limits.blockBytesMax || syncedThrough > offset) return undefined;
  return { kind, key, bodyBytes, checksum, sequence, syncedThrough };
}

function headerCrc(covered: Uint8Array, seedCrc: number, offset: number, hashing: Hashing): number {
  const place = new ByteWriter(8);
  place.u53(offset);
  return hashing.crc32(covered, hashing.crc32(place.finish(), seedCrc));
}
