/**
 * The store's pages carry no checksums, so every value carries one in front, bound to its group and key (S12): a value that
 * rotted, or that another key's page shows, is found when it is read.
 */

import type { GroupId } from "@holdfast/base";
import { ByteReader } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";

/** Bytes in front of a state machine's own value. */
export const sealBytes = 4;

/** A stored value does not match its checksum: the replica must be reloaded, a single voter must stop. */
export class StateCorruptError extends Error {
  override readonly name: string = "StateCorruptError";
  readonly group: GroupId;

  constructor(group: GroupId) {
    super(`a value in the state store of group ${group} does not match its checksum`);
    this.group = group;
  }
}

/** Writes the checksum in front of a value that stands behind `sealBytes` of room, and returns it. */
export function seal(hashing: Hashing, keyChecksum: number, stored: Uint8Array): number {
  const checksum = hashing.crc32(stored.subarray(sealBytes), keyChecksum);
  stored[0] = checksum >>> 24;
  stored[1] = checksum >>> 16;
  stored[2] = checksum >>> 8;
  stored[3] = checksum;
  return checksum;
}

/** Whether the value is the one that was sealed under the key with this checksum. */
export function isSealed(hashing: Hashing, keyChecksum: number, stored: Uint8Array): boolean {
  return (
    stored.length >= sealBytes &&
    sealedChecksum(stored) === hashing.crc32(stored.subarray(sealBytes), keyChecksum)
  );
}

/** The value behind its checksum. Throws StateCorruptError. */
export function unseal(
  hashing: Hashing,
  group: GroupId,
  keyChecksum: number,
  stored: Uint8Array,
): Uint8Array {
  if (!isSealed(hashing, keyChecksum, stored)) throw new StateCorruptError(group);
  return stored.subarray(sealBytes);
}

/** The checksum as it is stored; it also stands for the pair in the group's digest. Of what `isSealed` was asked about. */
export function sealedChecksum(stored: Uint8Array): number {
  return new ByteReader(stored).u32();
}
