/**
 * What the store says of a group beside its pairs, each under a checksum of its own:
 *
 *   0x02 group(4)   ->  where its state stands: position, digest, and which generation it is
 *   0x04 group(4)   ->  the same of a snapshot that lies whole beside the state
 */

import type { Codec, GroupId, LogIndex } from "@holdfast/base";
import {
  ByteReader,
  ByteWriter,
  ballot,
  branded,
  decode,
  emptyBytes,
  encode,
  groupId,
  integer,
  record,
  versioned,
  waitingSlabs,
} from "@holdfast/base";
import type { Hashing, KeyValue } from "@holdfast/ports";
import type { StateDigest } from "./digest.ts";
import { stateDigestCodec } from "./digest.ts";
import type { StatePosition } from "./state-position.ts";
import { statePositionCodec } from "./state-position.ts";
import { isSealed, StateCorruptError, seal, sealBytes, unseal } from "./stored-value.ts";

export interface GroupRecord {
  readonly position: StatePosition;
  readonly digest: StateDigest;
  readonly generation: number;
}

const firstRecordCodec = record({ index: branded<LogIndex>(), digest: stateDigestCodec });

const groupRecordCodec: Codec<GroupRecord> = versioned(
  2,
  record({ position: statePositionCodec, digest: stateDigestCodec, generation: integer }),
  {
    // Of a single voter: it knew neither ballots nor generations.
    1: (reader) => {
      const { index, digest } = firstRecordCodec.read(reader);
      return { position: { index, ballot: ballot(0), membership: emptyBytes }, digest, generation: 0 };
    },
  },
);

const stateTable = 0x02;
const stagedTable = 0x04;

/** Of the record of a group's state. */
export function groupKey(group: GroupId): Uint8Array {
  return recordKey(stateTable, group);
}

/** Of the record of a snapshot beside it. */
export function stagedKey(group: GroupId): Uint8Array {
  return recordKey(stagedTable, group);
}

/** As it is stored. */
export function encodeGroupRecord(hashing: Hashing, key: Uint8Array, value: GroupRecord): Uint8Array {
  const stored = encode(groupRecordCodec, value, sealBytes, waitingSlabs);
  seal(hashing, hashing.crc32(key), stored);
  return stored;
}

/** Throws StateCorruptError when it is damaged, UnsupportedVersionError when a newer program wrote it. */
export function decodeGroupRecord(hashing: Hashing, key: Uint8Array, stored: Uint8Array): GroupRecord {
  const group = groupId(new ByteReader(key.subarray(1)).u32());
  return decode(groupRecordCodec, unseal(hashing, group, hashing.crc32(key), stored));
}

/** Whether both records of a group match their checksums where they lie. */
export function areRecordsWhole(store: Pick<KeyValue, "get">, hashing: Hashing, group: GroupId): boolean {
  return [groupKey(group), stagedKey(group)].every((key) => {
    const stored = store.get(key);
    return stored === undefined || isSealed(hashing, hashing.crc32(key), stored);
  });
}

/** Throws UnsupportedVersionError when a newer program wrote a group's record, otherwise StateCorruptError when one is damaged. */
export function checkStateFormat(store: KeyValue, hashing: Hashing): void {
  let damage: StateCorruptError | undefined;
  for (const table of [stateTable, stagedTable])
    for (const { key, value } of store.range({ from: Uint8Array.of(table), to: Uint8Array.of(table + 1) }))
      try {
        decodeGroupRecord(hashing, key, value);
      } catch (error) {
        if (!(error instanceof StateCorruptError)) throw error;
        damage ??= error;
      }
  if (damage !== undefined) throw damage;
}

/** Groups whose state the store has a record of. */
export function recordedGroups(store: KeyValue): readonly GroupId[] {
  const range = { from: Uint8Array.of(stateTable), to: Uint8Array.of(stateTable + 1) };
  return Array.from(store.range(range), ({ key }) => groupId(new ByteReader(key.subarray(1)).u32()));
}

function recordKey(table: number, group: GroupId): Uint8Array {
  const writer = new ByteWriter(5);
  writer.u8(table);
  writer.u32(group);
  return writer.finish();
}
