/**
 * What the index keeps about blocks, erasures and volumes. It is a cache of the volumes (S7): whatever is damaged or
 * lost here can be made again from them. The key-value store's pages carry no checksums, so each value carries one
 * that is bound to its key (S12).
 */

import type { Codec } from "@holdfast/base";
import {
  ByteReader,
  ByteWriter,
  boolean,
  byteString,
  concatBytes,
  decodeOrNothing,
  encode,
  integer,
  list,
  record,
  uint32,
  versioned,
} from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";

export interface BlockEntry {
  readonly volume: number;
  readonly offset: number;
  readonly bodyBytes: number;
  readonly checksum: number;
  readonly sequence: number;
  /** A read found the needle damaged: the same body may be put again. */
  readonly damaged: boolean;
  /** Other volumes that may still hold needles of this block: superseded copies, none of them acknowledged alone. */
  readonly remains: readonly number[];
}

export const blockEntryCodec: Codec<BlockEntry> = versioned(
  1,
  record({
    volume: integer,
    offset: integer,
    bodyBytes: integer,
    checksum: uint32,
    sequence: integer,
    damaged: boolean,
    remains: list(integer),
  }),
);

/** An erasure counts as long as a volume may hold needles of its content that are older than it. */
export interface ErasureEntry {
  readonly volume: number;
  readonly offset: number;
  readonly sequence: number;
  readonly remains: readonly number[];
}

export const erasureEntryCodec: Codec<ErasureEntry> = versioned(
  1,
  record({ volume: integer, offset: integer, sequence: integer, remains: list(integer) }),
);

export interface VolumeRecord {
  /** Tells a volume from another one of the same number. */
  readonly seedCrc: number;
  /** Every needle before this offset was durable and is in the index, in the same batch as this record. */
  readonly completeThrough: number;
  readonly liveBytes: number;
  readonly liveBlocks: number;
}

export const volumeRecordCodec: Codec<VolumeRecord> = versioned(
  1,
  record({ seedCrc: uint32, completeThrough: integer, liveBytes: integer, liveBlocks: integer }),
);

export interface StoreRecord {
  readonly incarnation: Uint8Array;
  /** Volume numbers below are used up, whether their files still exist or not. */
  readonly nextVolume: number;
  readonly nextSequence: number;
}

export const storeRecordVersion = 1;
export const storeRecordCodec: Codec<StoreRecord> = versioned(
  storeRecordVersion,
  record({ incarnation: byteString, nextVolume: integer, nextSequence: integer }),
);

export type Space = "block" | "erasure" | "volume" | "store";
const spaceByte = { block: 1, erasure: 2, volume: 3, store: 4 } as const;

export function indexKey(space: Space, key: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(spaceByte[space]), key]);
}

export const storeKey: Uint8Array = Uint8Array.of(spaceByte.store);

export function volumeKey(number: number): Uint8Array {
  const writer = new ByteWriter(5);
  writer.u8(spaceByte.volume);
  writer.u32(number);
  return writer.finish();
}

export function volumeOfKey(key: Uint8Array): number {
  return new ByteReader(key.subarray(1)).u32();
}

export function encodeValue<T>(codec: Codec<T>, key: Uint8Array, value: T, hashing: Hashing): Uint8Array {
  const bytes = encode(codec, value);
  const sealed = new ByteWriter(bytes.length + 4);
  sealed.raw(bytes);
  sealed.u32(hashing.crc32(bytes, hashing.crc32(key)));
  return sealed.finish();
}

/** Undefined when the value is damaged, or of another format: then the volumes have to be asked. */
export function decodeValue<T>(
  codec: Codec<T>,
  key: Uint8Array,
  sealed: Uint8Array,
  hashing: Hashing,
): T | undefined {
  if (sealed.length < 4) return undefined;
  const bytes = sealed.subarray(0, sealed.length - 4);
  const crc = new ByteReader(sealed.subarray(bytes.length)).u32();
  if (hashing.crc32(bytes, hashing.crc32(key)) !== crc) return undefined;
  return decodeOrNothing(codec, bytes);
}
