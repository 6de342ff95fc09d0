/**
 * Walks the names under a bucket's prefix in one shard, in UTF-8 byte order, and rolls up what a delimiter says. Files and
 * uploads are listed alike: their state keys are a fixed prefix, the name, and for uploads the number behind it. Nothing
 * is decoded here: a merge over 16 shards looks at many names and takes few.
 */

import { compareBytes, concatBytes, prefixEnd, startsWithBytes } from "@holdfast/base";
import type { KeyValuePair, StateReader } from "@holdfast/ports";
import { namePrefixBytes } from "./state-keys.ts";

export interface NameQuery {
  /** Table and bucket: the fixed part of the state keys. */
  readonly under: Uint8Array;
  /** Bytes behind the name. */
  readonly suffixBytes: number;
  readonly prefix: Uint8Array;
  /** Empty for none. */
  readonly delimiter: Uint8Array;
  /** Names before this one are left out. */
  readonly from: Uint8Array;
}

export interface NamedItem {
  /** What orders items: the name, and for uploads their number; or the common prefix. */
  readonly order: Uint8Array;
  /** Undefined for a common prefix. */
  readonly value: Uint8Array | undefined;
}

/** Names that are stepped over one by one before the cursor seeks behind a common prefix: seeking costs a few steps. */
const stepsBeforeSeek = 8;

export class NameCursor {
  readonly #state: StateReader;
  readonly #query: NameQuery;
  readonly #end: Uint8Array | undefined;
  #pairs: Iterator<KeyValuePair>;
  #pair: KeyValuePair | undefined;
  #item: NamedItem | undefined;

  /** Must be used up or left within the same synchronous run, and closed when left. */
  constructor(state: StateReader, query: NameQuery) {
    this.#state = state;
    this.#query = query;
    this.#end = prefixEnd(concatBytes([query.under, query.prefix]));
    const first = compareBytes(query.from, query.prefix) > 0 ? query.from : query.prefix;
    this.#pairs = this.#seek(first);
    this.#pair = next(this.#pairs);
    this.#item = this.#read();
  }

  /** The item at the cursor; undefined at the end. */
  get item(): NamedItem | undefined {
    return this.#item;
  }

  advance(): void {
    if (this.#item === undefined) return;
    if (this.#item.value === undefined) this.#skip(this.#item.order);
    else this.#pair = next(this.#pairs);
    this.#item = this.#read();
  }

  close(): void {
    this.#pairs.return?.();
  }

  #seek(name: Uint8Array): Iterator<KeyValuePair> {
    const from = concatBytes([this.#query.under, name]);
    return this.#state.range({ from, to: this.#end })[Symbol.iterator]();
  }

  #read(): NamedItem | undefined {
    if (this.#pair === undefined) return undefined;
    const { prefix, delimiter, suffixBytes } = this.#query;
    const order = this.#pair.key.subarray(namePrefixBytes);
    const rolledUp = commonPrefix(order.subarray(0, order.length - suffixBytes), prefix, delimiter);
    return rolledUp === undefined
      ? { order, value: this.#pair.value }
      : { order: rolledUp, value: undefined };
  }

  /** To the first name that does not start with the common prefix. */
  #skip(rolledUp: Uint8Array): void {
    for (let step = 0; step < stepsBeforeSeek; step++) {
      this.#pair = next(this.#pairs);
      if (this.#pair === undefined || !startsWithBytes(this.#pair.key.subarray(namePrefixBytes), rolledUp))
        return;
    }
    this.#pairs.return?.();
    const behind = prefixEnd(rolledUp);
    // UTF-8 has no 0xff byte: every prefix has an end.
    if (behind === undefined) this.#pair = undefined;
    else {
      this.#pairs = this.#seek(behind);
      this.#pair = next(this.#pairs);
    }
  }
}

/** Everything up to and with the first delimiter behind the prefix; undefined when there is none. */
export function commonPrefix(
  name: Uint8Array,
  prefix: Uint8Array,
  delimiter: Uint8Array,
): Uint8Array | undefined {
  if (delimiter.length === 0 || !startsWithBytes(name, prefix)) return undefined;
  const first = delimiter[0] ?? 0;
  for (let at = name.indexOf(first, prefix.length); at >= 0; at = name.indexOf(first, at + 1)) {
    const rest = name.subarray(at);
    if (startsWithBytes(rest, delimiter)) return name.subarray(0, at + delimiter.length);
  }
  return undefined;
}

function next(pairs: Iterator<KeyValuePair>): KeyValuePair | undefined {
  const step = pairs.next();
  return step.done === true ? undefined : step.value;
}
