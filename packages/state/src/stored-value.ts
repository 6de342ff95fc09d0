/**
 * How a state machine's keys and values stand in the key-value store. The store's pages carry no checksums, so every
 * value carries one, bound to its group and key (S12): a value that rotted, or that another key's page shows, is found
 * when it is read.
 *
 *   0x01 group(4) key...   ->  crc32(4) value...
 *   0x02 group(4)          ->  crc32(4) record of the group: applied index and digest
 */

import type { GroupId } from "@holdfast/base";
import { ByteReader, ByteWriter, groupId } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";

const stateTable = 0x01;
const groupTable = 0x02;

/** Bytes in front of a state machine's own key. */
export const stateKeyPrefixBytes = 5;

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

export function stateKeyPrefix(group: GroupId): Uint8Array {
  return prefixed(stateTable, group);
}

export function groupKey(group: GroupId): Uint8Array {
  return prefixed(groupTable, group);
}

/** Of the records of all groups. */
export const groupKeyPrefix: Uint8Array = Uint8Array.of(groupTable);

/** Of a record's key. */
export function groupOfKey(key: Uint8Array): GroupId {
  return groupId(new ByteReader(key.subarray(1)).u32());
}

function prefixed(table: number, group: GroupId): Uint8Array {
  const writer = new ByteWriter(stateKeyPrefixBytes);
  writer.u8(table);
  writer.u32(group);
  return writer.finish();
}

/** Writes the checksum in front of a value that stands behind `sealBytes` of room, and returns it. */
export function seal(hashing: Hashing, storedKey: Uint8Array, stored: Uint8Array): number {
  const checksum = valueChecksum(hashing, storedKey, stored.subarray(sealBytes));
  stored[0] = checksum >>> 24;
  stored[1] = checksum >>> 16;
  stored[2] = checksum >>> 8;
  stored[3] = checksum;
  return checksum;
}

/** The value behind its checksum. Throws StateCorruptError. */
export function unseal(
  hashing: Hashing,
  group: GroupId,
  storedKey: Uint8Array,
  stored: Uint8Array,
): Uint8Array {
  if (stored.length < sealBytes) throw new StateCorruptError(group);
  const value = stored.subarray(sealBytes);
  if (sealedChecksum(stored) !== valueChecksum(hashing, storedKey, value)) throw new StateCorruptError(group);
  return value;
}

/** The checksum as it is stored; it also stands for the pair in the group's digest. */
export function sealedChecksum(stored: Uint8Array): number {
  return new ByteReader(stored).u32();
}

function valueChecksum(hashing: Hashing, storedKey: Uint8Array, value: Uint8Array): number {
  return hashing.crc32(value, hashing.crc32(storedKey));
}
