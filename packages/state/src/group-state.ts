import type { Codec, GroupId, LogIndex } from "@holdfast/base";
import {
  assert,
  branded,
  concatBytes,
  decode,
  encode,
  logIndex,
  prefixEnd,
  record,
  versioned,
} from "@holdfast/base";
import type { Hashing, KeyRange, KeyValuePair, StateWriter, WriteBuffer } from "@holdfast/ports";
import type { StateDigest } from "./digest.ts";
import { digestWith, digestWithout, emptyDigest, stateDigestCodec } from "./digest.ts";
import {
  groupKey,
  seal,
  sealedChecksum,
  stateKeyPrefix,
  stateKeyPrefixBytes,
  unseal,
} from "./stored-value.ts";

interface GroupRecord {
  readonly appliedIndex: LogIndex;
  readonly digest: StateDigest;
}

const groupRecordCodec: Codec<GroupRecord> = versioned(
  1,
  record({ appliedIndex: branded<LogIndex>(), digest: stateDigestCodec }),
);

/** One group's keys and values, checked at every read, with the index and the digest they stand for. */
export class GroupState implements StateWriter {
  readonly group: GroupId;
  readonly #buffer: WriteBuffer;
  readonly #hashing: Hashing;
  readonly #prefix: Uint8Array;
  readonly #end: Uint8Array | undefined;
  #appliedIndex: LogIndex;
  #digest: StateDigest;

  constructor(group: GroupId, buffer: WriteBuffer, hashing: Hashing) {
    this.group = group;
    this.#buffer = buffer;
    this.#hashing = hashing;
    this.#prefix = stateKeyPrefix(group);
    this.#end = prefixEnd(this.#prefix);
    const found = this.#readRecord();
    this.#appliedIndex = found?.appliedIndex ?? logIndex(0);
    this.#digest = found?.digest ?? emptyDigest;
  }

  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
  }

  get digest(): StateDigest {
    return this.#digest;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const storedKey = this.#storedKey(key);
    const stored = this.#buffer.get(storedKey);
    return stored === undefined ? undefined : unseal(this.#hashing, this.group, storedKey, stored);
  }

  range(range: KeyRange): Iterable<KeyValuePair> {
    const to = range.to === undefined ? this.#end : this.#storedKey(range.to);
    const stored = this.#buffer.range({ ...range, from: this.#storedKey(range.from), to });
    return { [Symbol.iterator]: () => this.#checked(stored[Symbol.iterator]()) };
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const storedKey = this.#storedKey(key);
    const earlier = this.#buffer.get(storedKey);
    const stored = seal(this.#hashing, storedKey, value);
    if (earlier !== undefined) this.#digest = digestWithout(this.#digest, sealedChecksum(earlier));
    this.#digest = digestWith(this.#digest, sealedChecksum(stored));
    this.#buffer.put(storedKey, stored);
  }

  remove(key: Uint8Array): void {
    const storedKey = this.#storedKey(key);
    const earlier = this.#buffer.get(storedKey);
    if (earlier === undefined) return;
    this.#digest = digestWithout(this.#digest, sealedChecksum(earlier));
    this.#buffer.remove(storedKey);
  }

  /**
   * Ends an entry: what it put and removed now belongs to this index. To be called in the same synchronous run as the
   * entry's changes, so that no flush takes the one without the other.
   */
  advance(index: LogIndex): void {
    assert(index === this.#appliedIndex + 1, `entry ${index} applied behind ${this.#appliedIndex}`);
    this.#appliedIndex = index;
    const key = groupKey(this.group);
    const value = encode(groupRecordCodec, { appliedIndex: index, digest: this.#digest });
    this.#buffer.put(key, seal(this.#hashing, key, value));
  }

  /** Reads everything again: the digest that the pairs really have, to be compared with `digest`. Not for large states in one run. */
  recomputeDigest(): StateDigest {
    let digest = emptyDigest;
    for (const pair of this.#buffer.range({ from: this.#prefix, to: this.#end })) {
      unseal(this.#hashing, this.group, pair.key, pair.value);
      digest = digestWith(digest, sealedChecksum(pair.value));
    }
    return digest;
  }

  /** Not a generator: listings step through many pairs, and it would double what a step costs. */
  #checked(stored: Iterator<KeyValuePair>): Iterator<KeyValuePair> {
    return {
      next: () => {
        const step = stored.next();
        if (step.done === true) return step;
        const { key, value } = step.value;
        const checked = unseal(this.#hashing, this.group, key, value);
        return { done: false, value: { key: key.subarray(stateKeyPrefixBytes), value: checked } };
      },
      return: () => stored.return?.() ?? { done: true, value: undefined },
    };
  }

  #storedKey(key: Uint8Array): Uint8Array {
    return concatBytes([this.#prefix, key]);
  }

  #readRecord(): GroupRecord | undefined {
    const key = groupKey(this.group);
    const stored = this.#buffer.get(key);
    return stored === undefined
      ? undefined
      : decode(groupRecordCodec, unseal(this.#hashing, this.group, key, stored));
  }
}
