/**
 * What the store says of a group whose state is damaged, so that no start of the node takes it for a whole one:
 *
 *   0x05 group(4)   ->  why it is not used any more
 *
 * It goes in the batch in which another state takes the damaged one's place.
 */

import type { Codec, GroupId } from "@holdfast/base";
import { ByteWriter, decode, encode, record, text, versioned, waitingSlabs } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";
import { isSealed, seal, sealBytes } from "./stored-value.ts";

const damageTable = 0x05;

const damageRecordCodec: Codec<{ readonly reason: string }> = versioned(1, record({ reason: text }));

export function damageKey(group: GroupId): Uint8Array {
  const writer = new ByteWriter(5);
  writer.u8(damageTable);
  writer.u32(group);
  return writer.finish();
}

/** As it is stored. */
export function encodeDamage(hashing: Hashing, key: Uint8Array, reason: string): Uint8Array {
  const stored = encode(damageRecordCodec, { reason }, sealBytes, waitingSlabs);
  seal(hashing, hashing.crc32(key), stored);
  return stored;
}

/** That there is such a record says enough, whatever has become of it. */
export function decodeDamage(hashing: Hashing, key: Uint8Array, stored: Uint8Array): string {
  if (!isSealed(hashing, hashing.crc32(key), stored)) return "it was found damaged before";
  return decode(damageRecordCodec, stored.subarray(sealBytes)).reason;
}
