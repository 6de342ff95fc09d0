/**
 * Where the keys of one generation of a group's state stand in the key-value store. A snapshot loads beside the state as
 * another generation (S12), so a generation has a range of its own, which lies within none of another group:
 *
 *   generation 0    0x01 group(4) key...
 *   others          0x03 group(4) generation(4) key...
 *
 * Checksums are bound to group and key, not to the generation: they are those of generation 0's keys. So values go from
 * replica to replica as they are stored, and digests of replicas are comparable.
 */

import type { GroupId } from "@holdfast/base";
import { ByteReader, ByteWriter, prefixEnd, present, waitingSlabs } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";
import { keyBytesMax } from "@holdfast/ports";

const firstGenerationTable = 0x01;
const generationTable = 0x03;
const groupPrefixBytes = 5;
const generationPrefixBytes = 9;

/** The longest key of a state machine: it has to fit into every generation. */
export const stateKeyBytesMax: number = keyBytesMax - generationPrefixBytes;

export class StateKeys {
  readonly group: GroupId;
  readonly generation: number;
  /** The generation's range of stored keys. */
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly #hashing: Hashing;
  /** What the checksum of every key begins with, behind generation 0. */
  readonly #groupChecksum: number;

  constructor(group: GroupId, generation: number, hashing: Hashing) {
    this.group = group;
    this.generation = generation;
    this.#hashing = hashing;
    const first = groupPrefix(firstGenerationTable, group);
    this.from = generation === 0 ? first : generationPrefix(group, generation);
    this.to = present(prefixEnd(this.from), "keys behind a table");
    this.#groupChecksum = hashing.crc32(first);
  }

  /** The stored key of a state machine's key. */
  stored(key: Uint8Array): Uint8Array {
    const { from } = this;
    const stored = waitingSlabs.newBytes(from.length + key.length);
    stored.set(from);
    stored.set(key, from.length);
    return stored;
  }

  /** A view: the state machine's key in a stored one. */
  own(storedKey: Uint8Array): Uint8Array {
    return storedKey.subarray(this.from.length);
  }

  /** Of group and key, whatever the generation: what a value's checksum begins with. */
  checksum(storedKey: Uint8Array): number {
    return this.generation === 0
      ? this.#hashing.crc32(storedKey)
      : this.#hashing.crc32(this.own(storedKey), this.#groupChecksum);
  }
}

/** The range of all generations of a group but generation 0, from the given one on. */
export function laterGenerations(
  group: GroupId,
  from: number,
): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const all = present(prefixEnd(groupPrefix(generationTable, group)), "keys behind a table");
  return { from: generationPrefix(group, from), to: all };
}

/** Of a key in that range. */
export function generationOfKey(storedKey: Uint8Array): number {
  return new ByteReader(storedKey.subarray(groupPrefixBytes)).u32();
}

function groupPrefix(table: number, group: GroupId): Uint8Array {
  const writer = new ByteWriter(groupPrefixBytes);
  writer.u8(table);
  writer.u32(group);
  return writer.finish();
}

function generationPrefix(group: GroupId, generation: number): Uint8Array {
  const writer = new ByteWriter(generationPrefixBytes);
  writer.raw(groupPrefix(generationTable, group));
  writer.u32(generation);
  return writer.finish();
}
