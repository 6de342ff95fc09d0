import type { Codec } from "@holdfast/base";
import { binaryString, decode, encode } from "@holdfast/base";
import type { KeyRange, KeyValuePair } from "./key-value.ts";
import type { StateWriter } from "./state.ts";

/** A state in memory, for tests and for state machines that nobody needs to keep: a sorted list of keys beside a map. */
export class MemoryState implements StateWriter {
  readonly #pairs = new Map<string, KeyValuePair>();
  /** One character a byte, so that their order is the bytes' order. */
  readonly #names: string[] = [];

  get size(): number {
    return this.#names.length;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#pairs.get(binaryString(key))?.value;
  }

  peek(key: Uint8Array): Uint8Array | undefined {
    return this.get(key);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const name = binaryString(key);
    if (!this.#pairs.has(name)) this.#names.splice(this.#lowerBound(name), 0, name);
    this.#pairs.set(name, { key, value });
  }

  getRecord<T>(codec: Codec<T>, key: Uint8Array): T | undefined {
    const value = this.get(key);
    return value === undefined ? undefined : decode(codec, value);
  }

  putRecord<T>(codec: Codec<T>, key: Uint8Array, record: T): void {
    this.put(key, encode(codec, record));
  }

  keepRecord<T>(codec: Codec<T>, key: Uint8Array, record: T): void {
    this.putRecord(codec, key, record);
  }

  remove(key: Uint8Array): void {
    const name = binaryString(key);
    if (this.#pairs.delete(name)) this.#names.splice(this.#lowerBound(name), 1);
  }

  *range({ from, to, reverse = false, limit = Number.POSITIVE_INFINITY }: KeyRange): Iterable<KeyValuePair> {
    const first = this.#lowerBound(binaryString(from));
    const end = to === undefined ? this.#names.length : this.#lowerBound(binaryString(to));
    const names = this.#names.slice(first, Math.max(first, end));
    if (reverse) names.reverse();
    for (const name of names.slice(0, Math.min(limit, names.length))) {
      const pair = this.#pairs.get(name);
      if (pair !== undefined) yield pair;
    }
  }

  #lowerBound(name: string): number {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#names[middle] ?? "") < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
