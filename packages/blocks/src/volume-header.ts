/**
 * A volume's first page: which volume this is and the seed that binds every needle checksum to it.
 *
 * The page holds the same 512-byte record eight times, one per sector: without the seed no needle of the volume could
 * be verified, so one rotten sector must not cost the whole volume. The last four bytes of a record are the CRC-32 of
 * the bytes before them, in every version of the format: so a newer version is told apart from damage.
 */

import { ByteReader, ByteWriter, compareBytes, concatBytes, utf8 } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";
import { pageBytes } from "@holdfast/ports";
import { BlockError } from "./block-error.ts";

export const incarnationBytes = 16;
const sectorBytes = 512;
export const seedBytes = 16;
/** Version 1 is the same without erasures of single blocks. */
const version = 2;
const versionOldest = 1;
const magic: Uint8Array = utf8("HFVOLUME");

export interface VolumeHeader {
  readonly number: number;
  /** Of the block store that made the volume (S11). */
  readonly incarnation: Uint8Array;
  readonly seed: Uint8Array;
}

export function volumeName(number: number): string {
  return `${String(number).padStart(8, "0")}.vol`;
}

/** Undefined when the name is not a volume's. */
export function volumeNumber(name: string): number | undefined {
  return /^[0-9]{8}\.vol$/.test(name) ? Number(name.slice(0, 8)) : undefined;
}

export function encodeVolumeHeader(header: VolumeHeader, hashing: Hashing): Uint8Array {
  const writer = new ByteWriter(sectorBytes);
  writer.raw(magic);
  writer.u32(version);
  writer.u32(header.number);
  writer.raw(header.incarnation);
  writer.raw(header.seed);
  writer.raw(new Uint8Array(sectorBytes - 4 - writer.length));
  writer.u32(hashing.crc32(writer.finish()));
  return concatBytes(Array.from({ length: pageBytes / sectorBytes }, () => writer.finish()));
}

/** Undefined when no sector of the page is whole; throws BlockError "unusable" for a newer format. */
export function decodeVolumeHeader(page: Uint8Array, hashing: Hashing): VolumeHeader | undefined {
  for (let at = 0; at + sectorBytes <= page.length; at += sectorBytes) {
    const sector = page.subarray(at, at + sectorBytes);
    const crc = new ByteReader(sector.subarray(sectorBytes - 4)).u32();
    if (compareBytes(sector.subarray(0, magic.length), magic) !== 0) continue;
    if (hashing.crc32(sector.subarray(0, sectorBytes - 4)) === crc) return decodeSector(sector);
  }
  return undefined;
}

function decodeSector(sector: Uint8Array): VolumeHeader {
  const reader = new ByteReader(sector.subarray(magic.length));
  const found = reader.u32();
  if (found < versionOldest || found > version) {
    throw new BlockError("unusable", `volume format version ${found}; this program knows up to ${version}`);
  }
  const number = reader.u32();
  return { number, incarnation: reader.raw(incarnationBytes).slice(), seed: reader.raw(seedBytes).slice() };
}

/** What every needle checksum of the volume starts from. */
export function volumeSeedCrc(header: VolumeHeader, hashing: Hashing): number {
  return hashing.crc32(header.seed);
}
