/**
 * Recomputes a group's digest in small steps while entries are applied, and finds each key once more by itself: one that a range shows
 * and a look does not, or out of its order, stands on a page that leads nowhere (S12). The digest is a sum over all pairs, in
 * whatever order, so a walk in key order needs no snapshot: `reached` parts the keys into those whose pairs are in
 * the sum and those that are not yet, and every change of a key that is in is made to the sum as well. At the end the
 * sum is that of the state of this very moment.
 */

import { binaryString, compareBytes, concatBytes } from "@holdfast/base";
import type { Hashing, WriteBuffer } from "@holdfast/ports";
import type { StateDigest } from "./digest.ts";
import { digestWith, digestWithout, emptyDigest } from "./digest.ts";
import type { StateKeys } from "./state-keys.ts";
import { isSealed, sealBytes, sealedChecksum } from "./stored-value.ts";

/** What a group's digest walk needs of the group. */
export interface WalkedState {
  readonly keys: StateKeys;
  readonly buffer: WriteBuffer;
  readonly hashing: Hashing;
  /** Brings into the buffer what the group holds as objects. */
  readonly encodeRecords: () => void;
  readonly kept: () => StateDigest;
  readonly leave: (walk: DigestWalk) => void;
  /** Whether what the store says of the group beside its pairs is what was stored. */
  readonly areRecordsWhole: () => boolean;
  /** Told before `step` returns what is wrong. */
  readonly onDamage: () => void;
}

export interface DigestStep {
  readonly pairs: number;
  readonly bytes: number;
  /** Keys, as the state machine knows them, of values that do not match their checksum, or that are not found where they are. */
  readonly damagedKeys: readonly Uint8Array[];
  /**
   * Undefined while there is more to walk; then whether the sum is the digest that the group keeps, and its records are whole. A walk
   * that was ended matches.
   */
  readonly matches: boolean | undefined;
}

const justBehind = Uint8Array.of(0);

export class DigestWalk {
  readonly #state: WalkedState;
  #sum = emptyDigest;
  /** Pairs of keys below are in the sum; undefined once all are. */
  #reached: Uint8Array | undefined;
  #isEnded = false;

  constructor(state: WalkedState) {
    this.#state = state;
    this.#reached = state.keys.from;
  }

  /** Reads up to `limit` more pairs, in one synchronous run. Not to be called behind the end. */
  step(limit: number): DigestStep {
    if (this.#isEnded) return { pairs: 0, bytes: 0, damagedKeys: [], matches: true };
    const { buffer, keys, hashing } = this.#state;
    this.#state.encodeRecords();
    const damagedKeys: Uint8Array[] = [];
    let pairs = 0;
    let bytes = 0;
    let last: Uint8Array | undefined;
    let isOrdered = true;
    const seen: { readonly key: Uint8Array; readonly checksum: number | undefined }[] = [];
    for (const { key, value } of buffer.range({ from: this.#reached ?? keys.from, to: keys.to, limit })) {
      const checksum = value.length >= sealBytes ? sealedChecksum(value) : undefined;
      // A walk that went back would never end.
      const order = compareBytes(last ?? this.#reached ?? keys.from, key);
      isOrdered = last === undefined ? order <= 0 : order < 0;
      if (!isOrdered) break;
      if (!isSealed(hashing, keys.checksum(key), value)) damagedKeys.push(keys.own(key));
      else seen.push({ key, checksum });
      if (checksum !== undefined) this.#sum = digestWith(this.#sum, checksum);
      pairs++;
      bytes += key.length + value.length;
      last = key;
    }
    for (const { key, checksum } of seen)
      if (this.#checksumAt(key) !== checksum) damagedKeys.push(keys.own(key));
    if (damagedKeys.length > 0) this.#state.onDamage();
    if (isOrdered && pairs === limit && last !== undefined) {
      this.#reached = concatBytes([last, justBehind]);
      return { pairs, bytes, damagedKeys, matches: undefined };
    }
    this.leave();
    const { low, high } = this.#state.kept();
    const isSum = low === this.#sum.low && high === this.#sum.high;
    const matches = isOrdered && isSum && this.#state.areRecordsWhole();
    if (!matches) this.#state.onDamage();
    return { pairs, bytes, damagedKeys, matches };
  }

  #checksumAt(key: Uint8Array): number | undefined {
    const { buffer } = this.#state;
    const pending = buffer.pending(binaryString(key));
    const found = pending === undefined ? buffer.peekStored(key) : pending.value;
    return found === undefined || found.length < sealBytes ? undefined : sealedChecksum(found);
  }

  /** The group is about to change this pair: the checksums of its values. */
  changing(key: Uint8Array, earlier: number | undefined, later: number | undefined): void {
    if (this.#reached === undefined || compareBytes(key, this.#reached) >= 0) return;
    if (earlier !== undefined) this.#sum = digestWithout(this.#sum, earlier);
    if (later !== undefined) this.#sum = digestWith(this.#sum, later);
  }

  /** Ends the walk, at its end or before. */
  leave(): void {
    this.#reached = undefined;
    this.#state.leave(this);
  }

  /** The state is replaced by another one: what was walked is of no consequence any more. */
  end(): void {
    this.#isEnded = true;
    this.leave();
  }
}
