import { assert } from "@holdfast/base";

/**
 * An ordered store of byte strings with atomic batches, embedded in the process. Keys sort as unsigned bytes and are
 * 1 to 1,900 bytes long.
 *
 * What is durable when: `write` makes a batch visible when it resolves, not durable; `flush` makes every batch that
 * was visible when it was called durable. A crash leaves the state after some batch at or behind the last flush,
 * never a part of a batch.
 */
export interface KeyValue {
  /** A copy; sees every batch whose `write` resolved. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** As `get`, but in memory that the store's next call may use again: for a look, not for keeping. */
  peek(key: Uint8Array): Uint8Array | undefined;
  /** In key order, over one state of the store; must be used up or left within the same synchronous run. */
  range(range: KeyRange): Iterable<KeyValuePair>;
  /** The state as it is now: every batch whose `write` resolved. To be closed, in a `finally`. */
  openSnapshot(): KeyValueSnapshot;
  /** Batches become visible in the order of the calls. */
  write(batch: readonly Mutation[]): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/**
 * One state of the store, whatever is written meanwhile: it holds up nobody. While it is open the store cannot use again
 * the room of what is overwritten or removed, and grows instead. It ends with the store at the latest.
 */
export interface KeyValueSnapshot {
  /** As `range` of the store; each one must be used up or left within the same synchronous run. */
  range(range: KeyRange): Iterable<KeyValuePair>;
  /** Ends it; once more does nothing. */
  close(): void;
}

export interface KeyRange {
  /** First key, included. */
  readonly from: Uint8Array;
  /** First key left out; without it, to the end. */
  readonly to?: Uint8Array | undefined;
  /** From the last key down. */
  readonly reverse?: boolean;
  readonly limit?: number;
}

export interface KeyValuePair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Sets a key, or removes it when the value is undefined. */
export interface Mutation {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

export const keyBytesMax = 1900;

/** Every implementation asserts this of the keys it is given. */
export function checkKey(key: Uint8Array): void {
  assert(key.length > 0 && key.length <= keyBytesMax, `key of ${key.length} bytes`);
}
