/**
 * The incarnation of a block store: 16 random bytes made with its folder, kept in the file `identity` and in every
 * volume. It goes with evidence and messages (S3, S11), so that a folder that was lost and made anew is never taken
 * for the one that held the blocks.
 */

import type { Random } from "@holdfast/base";
import { ByteReader, ByteWriter, compareBytes, utf8 } from "@holdfast/base";
import type { Disk, Hashing } from "@holdfast/ports";
import { readWhole, replaceWhole } from "@holdfast/ports";
import { BlockError } from "./block-error.ts";
import { incarnationBytes } from "./volume-header.ts";

export const identityFileName = "identity";
const magic: Uint8Array = utf8("HFBLOCKS");
const version = 1;

export interface IdentityPorts {
  readonly disk: Disk;
  readonly hashing: Hashing;
  readonly random: Random;
}

/**
 * The folder's incarnation. Without a readable identity file it is the one that the volumes carry, or a fresh one
 * where there are no volumes; either is durable when this resolves.
 */
export async function openIdentity(
  { disk, hashing, random }: IdentityPorts,
  folder: string,
  ofVolumes: Uint8Array | undefined,
): Promise<Uint8Array> {
  const stored = await readStoreIncarnation(disk, folder, hashing);
  if (stored !== undefined) {
    // S8: a killed start may have left the name in the page cache alone; from here on it may not be missing.
    await disk.syncDirectory(folder);
    return stored;
  }
  const incarnation = ofVolumes ?? random.bytes(incarnationBytes);
  await replaceWhole(disk, folder, identityFileName, encodeIdentity(incarnation, hashing));
  return incarnation;
}

/** As the folder's file has it; undefined where there is none that can be read. Throws BlockError "unusable" for a newer format. */
export async function readStoreIncarnation(
  disk: Disk,
  folder: string,
  hashing: Hashing,
): Promise<Uint8Array | undefined> {
  const bytes = await readWhole(disk, `${folder}/${identityFileName}`);
  return bytes === undefined ? undefined : decodeIdentity(bytes, hashing);
}

export function encodeIdentity(incarnation: Uint8Array, hashing: Hashing): Uint8Array {
  const writer = new ByteWriter();
  writer.raw(magic);
  writer.u32(version);
  writer.raw(incarnation);
  writer.u32(hashing.crc32(writer.finish()));
  return writer.finish();
}

/** Undefined when damaged; throws BlockError "unusable" for a newer format. */
export function decodeIdentity(bytes: Uint8Array, hashing: Hashing): Uint8Array | undefined {
  if (bytes.length < magic.length + 8 || compareBytes(bytes.subarray(0, magic.length), magic) !== 0)
    return undefined;
  const covered = bytes.subarray(0, bytes.length - 4);
  if (hashing.crc32(covered) !== new ByteReader(bytes.subarray(covered.length)).u32()) return undefined;
  const reader = new ByteReader(covered.subarray(magic.length));
  const found = reader.u32();
  if (found !== version) {
    throw new BlockError(
      "unusable",
      `block store format version ${found}; this program knows up to ${version}`,
    );
  }
  return reader.remaining === incarnationBytes ? reader.raw(incarnationBytes).slice() : undefined;
}
