import type { KeyRange, KeyValuePair } from "./key-value.ts";

/** A state machine's own state as it reads it: one group's keys, synchronous, in key order. */
export interface StateReader {
  get(key: Uint8Array): Uint8Array | undefined;
  range(range: KeyRange): Iterable<KeyValuePair>;
}

/** The same while an entry is applied. Values are not changed by either side after they were handed over. */
export interface StateWriter extends StateReader {
  put(key: Uint8Array, value: Uint8Array): void;
  remove(key: Uint8Array): void;
}
