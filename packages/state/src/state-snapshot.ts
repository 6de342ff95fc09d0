/** A group's whole state at one position, as a stream, whatever is applied while it is read. */

import type { GroupId } from "@holdfast/base";
import { assert, ByteWriter, concatBytes, encode } from "@holdfast/base";
import type { Hashing, KeyValueSnapshot } from "@holdfast/ports";
import type { StateDigest } from "./digest.ts";
import { digestWith, emptyDigest } from "./digest.ts";
import type { GroupRecord } from "./group-record.ts";
import { decodeGroupRecord, groupKey } from "./group-record.ts";
import {
  endTag,
  frameBytesAim,
  frameChecksum,
  frameHeadBytes,
  pairsTag,
  payloadBytesMax,
  snapshotStreamHeadCodec,
} from "./snapshot-format.ts";
import { StateKeys } from "./state-keys.ts";
import type { StatePosition } from "./state-position.ts";
import { initialPosition } from "./state-position.ts";
import { isSealed, StateCorruptError, sealedChecksum } from "./stored-value.ts";

/** To be read to its end, broken off, or closed: until then the store cannot use again what is overwritten (KeyValueSnapshot). */
export interface StateSnapshot {
  readonly position: StatePosition;
  readonly digest: StateDigest;
  /** Once. Chunks of about 64 KiB, or one pair. Throws StateCorruptError when the state is damaged. */
  readonly body: AsyncIterable<Uint8Array>;
  /** For a body that is not read, or not to its end; once more does nothing. */
  close(): void;
}

/**
 * The record says which moment it is, and is of the same batch as the pairs: no entry slips between. `damage` is told of damage and
 * says what is to be thrown.
 */
export function openStateSnapshot(
  group: GroupId,
  frozen: KeyValueSnapshot,
  hashing: Hashing,
  damage: () => Error,
): StateSnapshot {
  try {
    const found = readGroupRecord(group, frozen, hashing);
    const keys = new StateKeys(group, found.generation, hashing);
    return {
      position: found.position,
      digest: found.digest,
      body: streamed(keys, frozen, found, { hashing, damage }),
      close: () => frozen.close(),
    };
  } catch (error) {
    frozen.close();
    throw error instanceof StateCorruptError ? damage() : error;
  }
}

function readGroupRecord(group: GroupId, frozen: KeyValueSnapshot, hashing: Hashing): GroupRecord {
  const key = groupKey(group);
  for (const { value } of frozen.range({ from: key, to: concatBytes([key, Uint8Array.of(0)]) }))
    return decodeGroupRecord(hashing, key, value);
  return { position: initialPosition, digest: emptyDigest, generation: 0 };
}

interface Checks {
  readonly hashing: Hashing;
  readonly damage: () => Error;
}

async function* streamed(
  keys: StateKeys,
  frozen: KeyValueSnapshot,
  { position, digest }: GroupRecord,
  checks: Checks,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    const frames = new FrameWriter(checks.hashing);
    const { index, ballot } = position;
    yield frames.framed(
      encode(snapshotStreamHeadCodec, { group: keys.group, index, ballot, digest }, frameHeadBytes),
    );
    const reading = new PairsReader(keys, frozen, checks);
    for (let chunk = reading.next(); chunk !== undefined; chunk = reading.next()) yield frames.framed(chunk);
    const { low, high } = reading.digest;
    if (low !== digest.low || high !== digest.high) throw checks.damage();
    yield frames.framed(end(reading.pairs));
  } finally {
    frozen.close();
  }
}

function end(pairs: number): Uint8Array {
  const writer = new ByteWriter();
  writer.zeros(frameHeadBytes);
  writer.u8(endTag);
  writer.varint(pairs);
  return writer.finish();
}

/** Reads the frozen pairs a frame at a time, each in one synchronous run. */
class PairsReader {
  readonly #keys: StateKeys;
  readonly #frozen: KeyValueSnapshot;
  readonly #checks: Checks;
  #from: Uint8Array;
  pairs = 0;
  digest: StateDigest = emptyDigest;

  constructor(keys: StateKeys, frozen: KeyValueSnapshot, checks: Checks) {
    this.#keys = keys;
    this.#frozen = frozen;
    this.#checks = checks;
    this.#from = keys.from;
  }

  /** A payload behind room for its frame's head; undefined at the end. */
  next(): Uint8Array | undefined {
    const writer = new ByteWriter(frameBytesAim + frameBytesAim / 4);
    writer.zeros(frameHeadBytes);
    writer.u8(pairsTag);
    let last: Uint8Array | undefined;
    for (const { key, value } of this.#frozen.range({ from: this.#from, to: this.#keys.to })) {
      this.#check(key, value);
      writer.bytes(this.#keys.own(key));
      writer.bytes(value);
      last = key;
      if (writer.length >= frameBytesAim) break;
    }
    if (last === undefined) return undefined;
    this.#from = concatBytes([last, Uint8Array.of(0)]);
    return writer.finish();
  }

  #check(key: Uint8Array, value: Uint8Array): void {
    if (!isSealed(this.#checks.hashing, this.#keys.checksum(key), value)) throw this.#checks.damage();
    this.pairs++;
    this.digest = digestWith(this.digest, sealedChecksum(value));
  }
}

class FrameWriter {
  readonly #hashing: Hashing;
  #checksum = 0;

  constructor(hashing: Hashing) {
    this.#hashing = hashing;
  }

  /** Writes the head into the room in front of the payload. */
  framed(frame: Uint8Array): Uint8Array {
    const payload = frame.subarray(frameHeadBytes);
    assert(payload.length <= payloadBytesMax, `a value too large for any receiver: ${payload.length} bytes`);
    this.#checksum = frameChecksum(this.#hashing, this.#checksum, payload);
    const head = new DataView(frame.buffer, frame.byteOffset, frameHeadBytes);
    head.setUint32(0, payload.length);
    head.setUint32(4, this.#checksum);
    return frame;
  }
}
