import { binaryString } from "@holdfast/base";
import type { KeyRange, Mutation } from "./key-value.ts";

/**
 * A sorted map of mutations in memory. Keys are kept as binary strings (one character a byte), whose order is the
 * bytes' order. Sorting waits until somebody asks for an order: appends between two listings cost a hash insert each.
 */
export class SortedTable {
  readonly #entries = new Map<string, Mutation>();
  /** Without repetition; names of forgotten entries stay among them. */
  #sortedKeys: string[] = [];
  #unsortedKeys: string[] = [];
  #bytes = 0;

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  find(key: Uint8Array): Mutation | undefined {
    return this.findNamed(binaryString(key));
  }

  findNamed(name: string): Mutation | undefined {
    return this.#entries.get(name);
  }

  set(key: Uint8Array, value: Uint8Array | undefined): void {
    this.setNamed(binaryString(key), key, value);
  }

  setNamed(name: string, key: Uint8Array, value: Uint8Array | undefined): void {
    const earlier = this.#entries.get(name);
    if (earlier === undefined) this.#unsortedKeys.push(name);
    this.#bytes +=
      (value?.length ?? 0) - (earlier?.value?.length ?? 0) + (earlier === undefined ? key.length : 0);
    this.#entries.set(name, { key, value });
  }

  /** As if the key had never been set. */
  forgetNamed(name: string): void {
    const earlier = this.#entries.get(name);
    if (earlier === undefined) return;
    this.#bytes -= earlier.key.length + (earlier.value?.length ?? 0);
    this.#entries.delete(name);
  }

  /** Everything, in key order. */
  sorted(): readonly Mutation[] {
    return [...this.range({ from: new Uint8Array(0) })];
  }

  /** Whether anything lies in the range. */
  touches(range: KeyRange): boolean {
    const [first, end] = this.#positions(range);
    return first < end;
  }

  *range(range: KeyRange): Iterable<Mutation> {
    const [first, end] = this.#positions(range);
    const keys = this.#sortedKeys;
    const { reverse = false } = range;
    for (let step = 0; step < end - first; step++) {
      const entry = this.#entries.get(keys[reverse ? end - 1 - step : first + step] ?? "");
      if (entry !== undefined) yield entry;
    }
  }

  #positions({ from, to }: KeyRange): readonly [first: number, end: number] {
    if (this.#entries.size === 0) return [0, 0];
    this.#sort();
    const keys = this.#sortedKeys;
    return [
      lowerBound(keys, binaryString(from)),
      to === undefined ? keys.length : lowerBound(keys, binaryString(to)),
    ];
  }

  #sort(): void {
    if (this.#unsortedKeys.length === 0) return;
    const added = this.#unsortedKeys.sort(byCharacter);
    this.#sortedKeys = mergeSorted(this.#sortedKeys, added);
    this.#unsortedKeys = [];
  }
}

function byCharacter(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Each key once: one that was forgotten and set again is in both, or twice in `b`. */
function mergeSorted(a: readonly string[], b: readonly string[]): string[] {
  const merged: string[] = [];
  let i = 0;
  for (const key of b) {
    for (let left = a[i]; left !== undefined && left < key; left = a[i]) {
      merged.push(left);
      i++;
    }
    if (a[i] !== key && merged.at(-1) !== key) merged.push(key);
  }
  for (; i < a.length; i++) merged.push(a[i] ?? "");
  return merged;
}

/** Position of the first key that is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
