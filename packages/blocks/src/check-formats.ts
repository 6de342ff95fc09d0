/** A look at what lies in the folder and the index before anything is changed: whether this program knows its formats. */

import { ByteReader } from "@holdfast/base";
import type { Disk, DiskFile, Hashing, KeyValue } from "@holdfast/ports";
import { DiskError, listIfPresent, pageBytes, readWhole } from "@holdfast/ports";
import { BlockError } from "./block-error.ts";
import { storeKey, storeRecordVersion } from "./index-records.ts";
import { decodeIdentity, identityFileName } from "./store-identity.ts";
import { decodeVolumeHeader, volumeNumber } from "./volume-header.ts";

/** Whether a block store was ever opened in the folder. Throws BlockError "unusable" that names the newer file. */
export async function checkBlockFormats(disk: Disk, folder: string, hashing: Hashing): Promise<boolean> {
  const path = `${folder}/${identityFileName}`;
  const identity = await readWhole(disk, path);
  if (identity !== undefined) named(path, () => decodeIdentity(identity, hashing));
  for (const name of await listIfPresent(disk, folder)) {
    if (volumeNumber(name) === undefined) continue;
    const page = await firstPage(await disk.open(`${folder}/${name}`, "read"));
    if (page !== undefined) named(`${folder}/${name}`, () => decodeVolumeHeader(page, hashing));
  }
  return identity !== undefined;
}

/** Throws BlockError "unusable" when a newer program wrote the index. Damage is no matter: the index is a cache (S7). */
export function checkIndexFormat(index: KeyValue, hashing: Hashing): void {
  const sealed = index.get(storeKey);
  if (sealed === undefined || sealed.length < 5) return;
  const bytes = sealed.subarray(0, sealed.length - 4);
  const checksum = new ByteReader(sealed.subarray(bytes.length)).u32();
  const found = bytes[0] ?? 0;
  if (hashing.crc32(bytes, hashing.crc32(storeKey)) !== checksum || found <= storeRecordVersion) return;
  throw new BlockError(
    "unusable",
    `block index format version ${found}; this program knows up to ${storeRecordVersion}`,
  );
}

function named(path: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (error instanceof BlockError) throw new BlockError(error.kind, `${path}: ${error.message}`, error);
    throw error;
  }
}

/** Undefined when it cannot be read: recovery says what that means. */
async function firstPage(file: DiskFile): Promise<Uint8Array | undefined> {
  try {
    return await file.read(0, pageBytes);
  } catch (error) {
    if (error instanceof DiskError && error.kind === "io") return undefined;
    throw error;
  } finally {
    await file.close();
  }
}
