import type { Codec } from "@holdfast/base";
import type { KeyRange, KeyValuePair } from "./key-value.ts";

/** A state machine's own state as it reads it: one group's keys, synchronous, in key order. */
export interface StateReader {
  get(key: Uint8Array): Uint8Array | undefined;
  /** As `get`, but in memory that the next call may use again: for a look, not for keeping. */
  peek(key: Uint8Array): Uint8Array | undefined;
  /** The value of a small record, decoded, and kept so for the next who asks. Always the same codec for the same key. */
  getRecord<T>(codec: Codec<T>, key: Uint8Array): T | undefined;
  range(range: KeyRange): Iterable<KeyValuePair>;
  /** To be told when a value of it cannot be decoded; the error to throw then. States that nothing can damage have none. */
  unreadable?(): Error;
}

/** The same while an entry is applied. Values are not changed by either side after they were handed over. */
export interface StateWriter extends StateReader {
  put(key: Uint8Array, value: Uint8Array): void;
  putRecord<T>(codec: Codec<T>, key: Uint8Array, record: T): void;
  /**
   * As `putRecord`, for small records that entry after entry changes or soon removes (writers, results, time): one may
   * stay the object it is, and meet its codec only on the way to the store.
   */
  keepRecord<T>(codec: Codec<T>, key: Uint8Array, record: T): void;
  remove(key: Uint8Array): void;
}
