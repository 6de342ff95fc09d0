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
import type { Hashing, KeyRange, KeyValue, KeyValuePair, StateWriter, WriteBuffer } from "@holdfast/ports";
import type { StateDigest } from "./digest.ts";
import { digestWith, digestWithout, emptyDigest, stateDigestCodec } from "./digest.ts";
import { DigestWalk } from "./digest-walk.ts";
import {
  groupKey,
  groupKeyPrefix,
  groupOfKey,
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

/** Throws UnsupportedVersionError when a newer program wrote a group's record, StateCorruptError when it is damaged. */
export function checkStateFormat(store: KeyValue, hashing: Hashing): void {
  for (const { key, value } of store.range({ from: groupKeyPrefix, to: prefixEnd(groupKeyPrefix) }))
    decode(groupRecordCodec, unseal(hashing, groupOfKey(key), key, value));
}

/** One group's keys and values, checked at every read, with the index and the digest they stand for. */
export class GroupState implements StateWriter {
  readonly group: GroupId;
  readonly #buffer: WriteBuffer;
  readonly #hashing: Hashing;
  readonly #prefix: Uint8Array;
  readonly #end: Uint8Array | undefined;
  readonly #walks = new Set<DigestWalk>();
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

  *range(range: KeyRange): Iterable<KeyValuePair> {
    const to = range.to === undefined ? this.#end : this.#storedKey(range.to);
    for (const pair of this.#buffer.range({ ...range, from: this.#storedKey(range.from), to })) {
      yield {
        key: pair.key.subarray(stateKeyPrefixBytes),
        value: unseal(this.#hashing, this.group, pair.key, pair.value),
      };
    }
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const storedKey = this.#storedKey(key);
    const earlier = this.#buffer.get(storedKey);
    const stored = seal(this.#hashing, storedKey, value);
    if (earlier !== undefined) this.#digest = digestWithout(this.#digest, sealedChecksum(earlier));
    this.#digest = digestWith(this.#digest, sealedChecksum(stored));
    for (const walk of this.#walks) walk.changing(storedKey, earlier, stored);
    this.#buffer.put(storedKey, stored);
  }

  remove(key: Uint8Array): void {
    const storedKey = this.#storedKey(key);
    const earlier = this.#buffer.get(storedKey);
    if (earlier === undefined) return;
    this.#digest = digestWithout(this.#digest, sealedChecksum(earlier));
    for (const walk of this.#walks) walk.changing(storedKey, earlier, undefined);
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

  /** The same in small steps, between which entries may be applied; to be walked to its end or left. */
  walkDigest(): DigestWalk {
    const walk = new DigestWalk({
      group: this.group,
      buffer: this.#buffer,
      hashing: this.#hashing,
      from: this.#prefix,
      to: this.#end,
      kept: () => this.#digest,
      leave: (left) => void this.#walks.delete(left),
    });
    this.#walks.add(walk);
    return walk;
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
