/** Turns the bytes of a snapshot back into pairs, whatever pieces they come in, and refuses what makes no state. */

import {
  assert,
  ByteReader,
  compareBytes,
  DecodeError,
  decode,
  UnsupportedVersionError,
} from "@holdfast/base";
import type { Hashing, KeyValuePair } from "@holdfast/ports";
import type { StateDigest } from "./digest.ts";
import { digestWith, emptyDigest } from "./digest.ts";
import type { SnapshotStreamHead } from "./snapshot-format.ts";
import {
  endTag,
  frameChecksum,
  frameHeadBytes,
  pairsTag,
  payloadBytesMax,
  StateSnapshotError,
  snapshotStreamHeadCodec,
} from "./snapshot-format.ts";
import type { StateKeys } from "./state-keys.ts";
import { stateKeyBytesMax } from "./state-keys.ts";
import type { StatePosition } from "./state-position.ts";
import { isSealed, sealedChecksum } from "./stored-value.ts";

/**
 * Holds one frame at most, beside the chunk. Nothing that it gives out may count before `finish` has returned.
 *
 * All its methods throw StateSnapshotError.
 */
export class SnapshotReader {
  readonly #hashing: Hashing;
  readonly #keys: StateKeys;
  readonly #position: StatePosition;
  /** Bytes that make no whole frame yet: from `#begin` to `#end`. */
  #bytes = new Uint8Array(0);
  #begin = 0;
  #end = 0;
  #checksum = 0;
  #head: SnapshotStreamHead | undefined;
  #digest = emptyDigest;
  #pairs = 0;
  #lastKey: Uint8Array | undefined;
  #isEnded = false;

  /** `keys`: where the pairs are going to stand. */
  constructor(keys: StateKeys, position: StatePosition, hashing: Hashing) {
    this.#keys = keys;
    this.#position = position;
    this.#hashing = hashing;
  }

  /** The pairs that this chunk completes, as they are to be stored: to be used up before the next call. */
  *read(chunk: Uint8Array): Iterable<KeyValuePair> {
    this.#append(chunk);
    for (let payload = this.#nextPayload(); payload !== undefined; payload = this.#nextPayload())
      yield* this.#onPayload(payload);
  }

  /** To be called at the body's end. The digest of what was read, which is the one that the sender keeps. */
  finish(): StateDigest {
    const head = this.#head;
    if (!this.#isEnded || head === undefined || this.#begin < this.#end)
      throw new StateSnapshotError(
        "truncated",
        `the snapshot ends after ${this.#pairs} pairs, without its end`,
      );
    const { low, high } = head.digest;
    if (this.#digest.low !== low || this.#digest.high !== high)
      throw new StateSnapshotError("damaged", "the snapshot's pairs do not add up to its digest");
    return this.#digest;
  }

  #append(chunk: Uint8Array): void {
    const waiting = this.#end - this.#begin;
    if (this.#end + chunk.length > this.#bytes.length) {
      const room =
        waiting + chunk.length <= this.#bytes.length / 2
          ? this.#bytes
          : new Uint8Array(2 * (waiting + chunk.length));
      room.set(this.#bytes.subarray(this.#begin, this.#end));
      this.#bytes = room;
      this.#begin = 0;
      this.#end = waiting;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** A copy: pairs that are views of it wait for the store. */
  #nextPayload(): Uint8Array | undefined {
    const waiting = this.#end - this.#begin;
    if (this.#isEnded && waiting > 0)
      throw new StateSnapshotError("damaged", "bytes follow the snapshot's end");
    if (waiting < frameHeadBytes) return undefined;
    const head = new ByteReader(this.#bytes.subarray(this.#begin, this.#begin + frameHeadBytes));
    const [length, checksum] = [head.u32(), head.u32()];
    if (length > payloadBytesMax)
      throw new StateSnapshotError("damaged", `a frame of ${length} bytes; ${payloadBytesMax} are allowed`);
    if (waiting < frameHeadBytes + length) return undefined;
    const start = this.#begin + frameHeadBytes;
    const payload = this.#bytes.slice(start, start + length);
    this.#begin = start + length;
    this.#checksum = frameChecksum(this.#hashing, this.#checksum, payload);
    if (this.#checksum !== checksum)
      throw new StateSnapshotError("damaged", "a frame of the snapshot does not match its checksum");
    return payload;
  }

  *#onPayload(payload: Uint8Array): Iterable<KeyValuePair> {
    const reader = new ByteReader(payload);
    if (this.#head === undefined) return this.#onHead(payload);
    const tag = decoded(() => reader.u8());
    switch (tag) {
      case pairsTag:
        while (reader.remaining > 0)
          yield this.#onPair(
            decoded(() => reader.bytes()),
            decoded(() => reader.bytes()),
          );
        return;
      case endTag:
        return this.#onEnd(
          decoded(() => reader.varint()),
          reader.remaining,
        );
      default:
        throw new StateSnapshotError("damaged", `a frame of kind ${tag}`);
    }
  }

  #onHead(payload: Uint8Array): void {
    const head = decoded(() => decode(snapshotStreamHeadCodec, payload));
    const { group } = this.#keys;
    const { index, ballot } = this.#position;
    if (head.group !== group)
      throw new StateSnapshotError("foreign", `a snapshot of group ${head.group}, not of group ${group}`);
    if (head.index !== index || head.ballot !== ballot)
      throw new StateSnapshotError(
        "foreign",
        `a snapshot at index ${head.index}, ballot ${head.ballot}, not at index ${index}, ballot ${ballot}`,
      );
    this.#head = head;
  }

  #onPair(key: Uint8Array, value: Uint8Array): KeyValuePair {
    if (key.length > stateKeyBytesMax)
      throw new StateSnapshotError("damaged", `a key of ${key.length} bytes`);
    if (this.#lastKey !== undefined && compareBytes(this.#lastKey, key) >= 0)
      throw new StateSnapshotError("damaged", "the snapshot's keys are not in order");
    const stored = this.#keys.stored(key);
    if (!isSealed(this.#hashing, this.#keys.checksum(stored), value))
      throw new StateSnapshotError("damaged", "a value of the snapshot does not match its checksum");
    this.#lastKey = key;
    this.#pairs++;
    this.#digest = digestWith(this.#digest, sealedChecksum(value));
    return { key: stored, value };
  }

  #onEnd(pairs: number, bytesBehind: number): void {
    assert(!this.#isEnded, "nothing is read behind the end");
    if (pairs !== this.#pairs || bytesBehind > 0)
      throw new StateSnapshotError("damaged", `${this.#pairs} pairs came, ${pairs} were sent`);
    this.#isEnded = true;
  }
}

function decoded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnsupportedVersionError)
      throw new StateSnapshotError("newer", `the snapshot has ${error.message}`, error);
    if (error instanceof DecodeError)
      throw new StateSnapshotError("damaged", `the snapshot is malformed: ${error.message}`, error);
    throw error;
  }
}
