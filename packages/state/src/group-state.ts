import type { Codec, GroupId, LogIndex } from "@holdfast/base";
import {
  assert,
  binaryString,
  branded,
  briefSlabs,
  decode,
  encode,
  logIndex,
  prefixEnd,
  record,
  versioned,
  waitingSlabs,
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
  sealBytes,
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

/** A record that stands for its value: what is under the key, whether or not the buffer has it yet. */
interface KeptRecord {
  readonly storedKey: Uint8Array;
  readonly codec: Codec<unknown>;
  readonly record: unknown;
  isEncoded: boolean;
}

/** Records kept at once; when there are more, all go and are decoded anew. */
const keptRecordsMax = 4096;

/**
 * One group's keys and values, checked when they come from the store, with the index and the digest they stand for.
 *
 * A record that is kept as an object is encoded when somebody asks for bytes: for its value, a range, the digest, or at the
 * latest when the buffer is flushed. One that every entry changes is so encoded once per flush.
 */
export class GroupState implements StateWriter {
  readonly group: GroupId;
  readonly #buffer: WriteBuffer;
  readonly #hashing: Hashing;
  readonly #onChange: (state: GroupState) => void;
  readonly #prefix: Uint8Array;
  readonly #end: Uint8Array | undefined;
  readonly #walks = new Set<DigestWalk>();
  readonly #records = new Map<string, KeptRecord>();
  #appliedIndex: LogIndex;
  #digest: StateDigest;
  /** There is something for `settle` to do. */
  #isUnsettled = false;
  /** The name that was looked up last, and the checksum of what stands there: only this object changes the group's keys. */
  #lastName = "";
  #lastChecksum: number | undefined;

  /** `onChange` is called at the first change behind each `settle`, which must follow before the buffer is flushed. */
  constructor(group: GroupId, buffer: WriteBuffer, hashing: Hashing, onChange: (state: GroupState) => void) {
    this.group = group;
    this.#buffer = buffer;
    this.#hashing = hashing;
    this.#onChange = onChange;
    this.#prefix = stateKeyPrefix(group);
    this.#end = prefixEnd(this.#prefix);
    const found = this.#readGroupRecord();
    this.#appliedIndex = found?.appliedIndex ?? logIndex(0);
    this.#digest = found?.digest ?? emptyDigest;
  }

  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
  }

  get digest(): StateDigest {
    this.#encodeRecords();
    return this.#digest;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const found = this.peek(key);
    return found === undefined ? undefined : briefSlabs.copy(found);
  }

  peek(key: Uint8Array): Uint8Array | undefined {
    const storedKey = this.#storedKey(key);
    const name = binaryString(storedKey);
    const kept = this.#records.get(name);
    if (kept !== undefined) this.#encodeRecord(name, kept);
    return this.#find(name, storedKey)?.subarray(sealBytes);
  }

  getRecord<T>(codec: Codec<T>, key: Uint8Array): T | undefined {
    const storedKey = this.#storedKey(key);
    const name = binaryString(storedKey);
    const kept = this.#records.get(name);
    if (kept !== undefined) {
      assert(kept.codec === codec, "one codec for each key");
      return kept.record as T;
    }
    const stored = this.#find(name, storedKey);
    if (stored === undefined) return undefined;
    const record = decode(codec, stored.subarray(sealBytes));
    this.#keep(name, { storedKey, codec, record, isEncoded: true });
    return record;
  }

  range(range: KeyRange): Iterable<KeyValuePair> {
    this.#encodeRecords();
    const to = range.to === undefined ? this.#end : this.#storedKey(range.to);
    const stored = this.#buffer.range({ ...range, from: this.#storedKey(range.from), to });
    return { [Symbol.iterator]: () => this.#checked(stored[Symbol.iterator]()) };
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const storedKey = this.#storedKey(key);
    const name = binaryString(storedKey);
    const stored = waitingSlabs.newBytes(sealBytes + value.length);
    stored.set(value, sealBytes);
    this.#records.delete(name);
    this.#put(name, storedKey, stored);
  }

  putRecord<T>(codec: Codec<T>, key: Uint8Array, record: T): void {
    const storedKey = this.#storedKey(key);
    const name = binaryString(storedKey);
    this.#records.delete(name);
    this.#put(name, storedKey, encode(codec, record, sealBytes, waitingSlabs));
  }

  keepRecord<T>(codec: Codec<T>, key: Uint8Array, record: T): void {
    const storedKey = this.#storedKey(key);
    this.#keep(binaryString(storedKey), { storedKey, codec, record, isEncoded: false });
    this.#changed();
  }

  remove(key: Uint8Array): void {
    const storedKey = this.#storedKey(key);
    const name = binaryString(storedKey);
    this.#records.delete(name);
    const earlier = this.#checksumAt(name, storedKey);
    if (earlier === undefined) return;
    this.#digest = digestWithout(this.#digest, earlier);
    for (const walk of this.#walks) walk.changing(storedKey, earlier, undefined);
    this.#buffer.remove(storedKey, name);
    this.#lastChecksum = undefined;
  }

  /**
   * Ends an entry: what it put and removed now belongs to this index. To be called in the same synchronous run as the
   * entry's changes, so that no flush takes the one without the other.
   */
  advance(index: LogIndex): void {
    assert(index === this.#appliedIndex + 1, `entry ${index} applied behind ${this.#appliedIndex}`);
    this.#appliedIndex = index;
    this.#changed();
  }

  /** Brings everything into the buffer: records that are objects still, the applied index and the digest. */
  settle(): void {
    this.#encodeRecords();
    this.#records.clear();
    this.#isUnsettled = false;
    const key = groupKey(this.group);
    const record = { appliedIndex: this.#appliedIndex, digest: this.#digest };
    const stored = encode(groupRecordCodec, record, sealBytes, waitingSlabs);
    seal(this.#hashing, key, stored);
    this.#buffer.put(key, stored);
  }

  /** Reads everything again: the digest that the pairs really have, to be compared with `digest`. Not for large states in one run. */
  recomputeDigest(): StateDigest {
    this.#encodeRecords();
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
      encodeRecords: () => this.#encodeRecords(),
      kept: () => this.#digest,
      leave: (left) => void this.#walks.delete(left),
    });
    this.#walks.add(walk);
    return walk;
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

  #changed(): void {
    if (this.#isUnsettled) return;
    this.#isUnsettled = true;
    this.#onChange(this);
  }

  #keep(name: string, kept: KeptRecord): void {
    if (this.#records.size >= keptRecordsMax) {
      this.#encodeRecords();
      this.#records.clear();
    }
    this.#records.set(name, kept);
  }

  #encodeRecords(): void {
    for (const [name, kept] of this.#records) this.#encodeRecord(name, kept);
  }

  #encodeRecord(name: string, kept: KeptRecord): void {
    if (kept.isEncoded) return;
    kept.isEncoded = true;
    this.#put(name, kept.storedKey, encode(kept.codec, kept.record, sealBytes, waitingSlabs));
  }

  /** `stored` has the value behind the room for its seal. */
  #put(name: string, storedKey: Uint8Array, stored: Uint8Array): void {
    const earlier = this.#checksumAt(name, storedKey);
    const checksum = seal(this.#hashing, storedKey, stored);
    if (earlier !== undefined) this.#digest = digestWithout(this.#digest, earlier);
    this.#digest = digestWith(this.#digest, checksum);
    for (const walk of this.#walks) walk.changing(storedKey, earlier, checksum);
    if (earlier === undefined) this.#buffer.insert(storedKey, stored, name);
    else this.#buffer.put(storedKey, stored, name);
    this.#lastChecksum = checksum;
  }

  /** Of what stands under the key, if anything does. What is put was mostly looked up just before. */
  #checksumAt(name: string, storedKey: Uint8Array): number | undefined {
    if (name !== this.#lastName) this.#find(name, storedKey);
    return this.#lastChecksum;
  }

  /** What stands under the key, behind its checksum; checked if it came from the store, whose memory it then is. */
  #find(name: string, storedKey: Uint8Array): Uint8Array | undefined {
    const pending = this.#buffer.pending(name);
    const found = pending === undefined ? this.#buffer.peekStored(storedKey) : pending.value;
    if (pending === undefined && found !== undefined) unseal(this.#hashing, this.group, storedKey, found);
    this.#lastChecksum = found === undefined ? undefined : sealedChecksum(found);
    this.#lastName = name;
    return found;
  }

  #storedKey(key: Uint8Array): Uint8Array {
    const stored = waitingSlabs.newBytes(stateKeyPrefixBytes + key.length);
    stored.set(this.#prefix);
    stored.set(key, stateKeyPrefixBytes);
    return stored;
  }

  #readGroupRecord(): GroupRecord | undefined {
    const key = groupKey(this.group);
    const stored = this.#buffer.get(key);
    return stored === undefined
      ? undefined
      : decode(groupRecordCodec, unseal(this.#hashing, this.group, key, stored));
  }
}
