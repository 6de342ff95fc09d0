import type { Codec, GroupId, LogIndex } from "@holdfast/base";
import {
  assert,
  binaryString,
  briefSlabs,
  DecodeError,
  decode,
  encode,
  StoreError,
  UnsupportedVersionError,
  waitingSlabs,
} from "@holdfast/base";
import type { Hashing, KeyRange, KeyValue, KeyValuePair, StateWriter, WriteBuffer } from "@holdfast/ports";
import { damageKey, decodeDamage, encodeDamage } from "./damage-record.ts";
import type { StateDigest } from "./digest.ts";
import { digestWith, digestWithout, emptyDigest } from "./digest.ts";
import { DigestWalk } from "./digest-walk.ts";
import { Generations } from "./generations.ts";
import type { GroupRecord } from "./group-record.ts";
import {
  areRecordsWhole,
  decodeGroupRecord,
  encodeGroupRecord,
  groupKey,
  stagedKey,
} from "./group-record.ts";
import type { StagedGroupState } from "./staged-state.ts";
import { StateKeys } from "./state-keys.ts";
import type { StatePosition } from "./state-position.ts";
import { initialPosition } from "./state-position.ts";
import type { StateSnapshot } from "./state-snapshot.ts";
import { openStateSnapshot } from "./state-snapshot.ts";
import { isSealed, StateCorruptError, seal, sealBytes, sealedChecksum } from "./stored-value.ts";

/** What the states of all groups share. */
export interface GroupStateSurroundings {
  readonly store: KeyValue;
  /** In front of the store. */
  readonly buffer: WriteBuffer;
  readonly hashing: Hashing;
  /** Called at the first change behind each `settle`, which must follow before the buffer is flushed. */
  readonly onChange: (state: GroupState) => void;
  /** Told of what is found damaged, before whoever found it; undefined: nobody takes care of it. */
  readonly onDamage: ((state: GroupState) => void) | undefined;
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
  readonly #store: KeyValue;
  readonly #buffer: WriteBuffer;
  readonly #hashing: Hashing;
  readonly #onChange: (state: GroupState) => void;
  readonly #onDamage: ((state: GroupState) => void) | undefined;
  readonly #generations: Generations;
  readonly #walks = new Set<DigestWalk>();
  readonly #records = new Map<string, KeptRecord>();
  #keys: StateKeys;
  #position: StatePosition;
  #digest: StateDigest;
  #damage: string | undefined;
  #isCondemned: boolean;
  /** There is something for `settle` to do. */
  #isUnsettled = false;
  /** The name that was looked up last, and the checksum of what stands there: only this object changes the group's keys. */
  #lastName = "";
  #lastChecksum: number | undefined;

  /** Throws StateCorruptError when a record of the group is damaged and nobody takes care of damage. */
  constructor(group: GroupId, { store, buffer, hashing, onChange, onDamage }: GroupStateSurroundings) {
    this.group = group;
    this.#store = store;
    this.#buffer = buffer;
    this.#hashing = hashing;
    this.#onChange = onChange;
    this.#onDamage = onDamage;
    this.#damage = this.#readDamage();
    this.#isCondemned = this.#damage !== undefined;
    const read = this.#readGroupRecord();
    const found = read === "damaged" ? undefined : read;
    this.#keys = new StateKeys(group, found?.generation ?? 0, hashing);
    this.#position = found?.position ?? initialPosition;
    this.#digest = found?.digest ?? emptyDigest;
    this.#generations = new Generations({
      store,
      hashing,
      keys: () => this.#keys,
      applied: () => this.#position,
      replace: (by) => this.#replace(by),
      removeRecord: () => this.#removeRecord(),
      isDamaged: () => this.#damage !== undefined,
      isKnown: read !== "damaged",
      onDamagedRecord: (error) => this.#onDamagedRecord(error),
    });
  }

  /**
   * Why this state is not used any more; undefined for one that is. Nothing is read of it and nothing applied to it:
   * whoever tries gets a StoreError "Unavailable". Another one takes its place by `stage` and `install`, or by `forget`.
   */
  get damage(): string | undefined {
    return this.#damage;
  }

  /** Its damage is on record in the store: later starts know of it without finding it again. */
  get isCondemned(): boolean {
    return this.#isCondemned;
  }

  /** From now on this state is damaged, also for later starts once the store is flushed. */
  condemn(reason: string): void {
    if (this.#damage !== undefined) return;
    this.#damage = reason;
    this.#isCondemned = true;
    this.#forgetRemembered();
    const key = damageKey(this.group);
    this.#buffer.put(key, encodeDamage(this.#hashing, key, reason));
  }

  /** The last entry whose effects the state shows. */
  get applied(): StatePosition {
    return this.#position;
  }

  get appliedIndex(): LogIndex {
    return this.#position.index;
  }

  get digest(): StateDigest {
    this.#encodeRecords();
    return this.#digest;
  }

  /** A snapshot that was stored whole, and neither installed nor discarded. */
  get staged(): StagedGroupState | undefined {
    return this.#generations.staged;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const found = this.peek(key);
    return found === undefined ? undefined : briefSlabs.copy(found);
  }

  peek(key: Uint8Array): Uint8Array | undefined {
    const storedKey = this.#keys.stored(key);
    const name = binaryString(storedKey);
    const kept = this.#records.get(name);
    if (kept !== undefined) this.#encodeRecord(name, kept);
    return this.#find(name, storedKey)?.subarray(sealBytes);
  }

  getRecord<T>(codec: Codec<T>, key: Uint8Array): T | undefined {
    const storedKey = this.#keys.stored(key);
    const name = binaryString(storedKey);
    const kept = this.#records.get(name);
    if (kept !== undefined) {
      assert(kept.codec === codec, "one codec for each key");
      return kept.record as T;
    }
    const stored = this.#find(name, storedKey);
    if (stored === undefined) return undefined;
    const record = this.#decoded(codec, stored.subarray(sealBytes));
    this.#keep(name, { storedKey, codec, record, isEncoded: true });
    return record;
  }

  /** A value with the right checksum that is none of its kind stands where another one should. */
  unreadable(): Error {
    return this.#foundDamage();
  }

  range(range: KeyRange): Iterable<KeyValuePair> {
    this.#refuseDamaged();
    this.#encodeRecords();
    const keys = this.#keys;
    const to = range.to === undefined ? keys.to : keys.stored(range.to);
    const stored = this.#buffer.range({ ...range, from: keys.stored(range.from), to });
    return { [Symbol.iterator]: () => this.#checked(keys, stored[Symbol.iterator]()) };
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const storedKey = this.#keys.stored(key);
    const name = binaryString(storedKey);
    const stored = waitingSlabs.newBytes(sealBytes + value.length);
    stored.set(value, sealBytes);
    this.#records.delete(name);
    this.#put(name, storedKey, stored);
  }

  putRecord<T>(codec: Codec<T>, key: Uint8Array, record: T): void {
    const storedKey = this.#keys.stored(key);
    const name = binaryString(storedKey);
    this.#records.delete(name);
    this.#put(name, storedKey, encode(codec, record, sealBytes, waitingSlabs));
  }

  keepRecord<T>(codec: Codec<T>, key: Uint8Array, record: T): void {
    this.#refuseDamaged();
    const storedKey = this.#keys.stored(key);
    this.#keep(binaryString(storedKey), { storedKey, codec, record, isEncoded: false });
    this.#changed();
  }

  remove(key: Uint8Array): void {
    const storedKey = this.#keys.stored(key);
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
   * Ends an entry: what it put and removed now belongs to this position. To be called in the same synchronous run as the
   * entry's changes, so that no flush takes the one without the other.
   */
  advance(position: StatePosition): void {
    assert(this.#damage === undefined, "nothing is applied to a damaged state");
    const { index } = this.#position;
    assert(position.index === index + 1, `entry ${position.index} applied behind ${index}`);
    this.#position = position;
    this.#changed();
  }

  /** Brings everything into the buffer: records that are objects still, the position and the digest. */
  settle(): void {
    this.#isUnsettled = false;
    try {
      this.#encodeRecords();
    } catch (error) {
      if (this.#damage === undefined) throw error;
    }
    this.#records.clear();
    // Its place is that of the last whole entry, and is what another state is measured by.
    if (this.#damage !== undefined) return;
    const key = groupKey(this.group);
    const record = { position: this.#position, digest: this.#digest, generation: this.#keys.generation };
    this.#buffer.put(key, encodeGroupRecord(this.#hashing, key, record));
  }

  /**
   * The state at a position at or behind the one applied now: everything is flushed first. To be closed, or its body to be
   * read. Rejects with StateCorruptError when the group's record is damaged, as a read does when the state is.
   */
  async snapshot(): Promise<StateSnapshot> {
    await this.#buffer.flush();
    this.#refuseDamaged();
    return openStateSnapshot(this.group, this.#store.openSnapshot(), this.#hashing, () =>
      this.#foundDamage(),
    );
  }

  /**
   * Stores a snapshot's body beside the state, and replaces one that was staged before; resolves when it is durable. Rejects
   * with StateSnapshotError when the body makes no state at this position, or with what the body throws; then everything is
   * as it was, but for garbage.
   */
  stage(position: StatePosition, body: AsyncIterable<Uint8Array>): Promise<StagedGroupState> {
    return this.#generations.stage(position, body);
  }

  /** As `StateStore.forget`. */
  forget(): Promise<void> {
    return this.#generations.forget();
  }

  /** Resolves when stage, install, discard and forget have ended and their garbage is removed. */
  garbageRemoved(): Promise<void> {
    return this.#generations.settled();
  }

  /** Reads everything again: the digest that the pairs really have, to be compared with `digest`. Not for large states in one run. */
  recomputeDigest(): StateDigest {
    this.#encodeRecords();
    let digest = emptyDigest;
    for (const { key, value } of this.#buffer.range({ from: this.#keys.from, to: this.#keys.to })) {
      this.#unseal(this.#keys, key, value);
      digest = digestWith(digest, sealedChecksum(value));
    }
    return digest;
  }

  /** The same in small steps, between which entries may be applied; to be walked to its end or left. */
  walkDigest(): DigestWalk {
    const walk = new DigestWalk({
      keys: this.#keys,
      buffer: this.#buffer,
      hashing: this.#hashing,
      encodeRecords: () => this.#encodeRecords(),
      kept: () => this.#digest,
      leave: (left) => void this.#walks.delete(left),
      areRecordsWhole: () => areRecordsWhole(this.#buffer, this.#hashing, this.group),
      onDamage: () => void this.#foundDamage(),
    });
    this.#walks.add(walk);
    return walk;
  }

  #decoded<T>(codec: Codec<T>, value: Uint8Array): T {
    try {
      return decode(codec, value);
    } catch (error) {
      throw error instanceof DecodeError && !(error instanceof UnsupportedVersionError)
        ? this.#foundDamage()
        : error;
    }
  }

  /** Not a generator: listings step through many pairs, and it would double what a step costs. */
  #checked(keys: StateKeys, stored: Iterator<KeyValuePair>): Iterator<KeyValuePair> {
    return {
      next: () => {
        const step = stored.next();
        if (step.done === true) return step;
        const { key, value } = step.value;
        const checked = this.#unseal(keys, key, value);
        return { done: false, value: { key: keys.own(key), value: checked } };
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
    const checksum = seal(this.#hashing, this.#keys.checksum(storedKey), stored);
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
    this.#refuseDamaged();
    const pending = this.#buffer.pending(name);
    const found = pending === undefined ? this.#buffer.peekStored(storedKey) : pending.value;
    if (pending === undefined && found !== undefined) this.#unseal(this.#keys, storedKey, found);
    this.#lastChecksum = found === undefined ? undefined : sealedChecksum(found);
    this.#lastName = name;
    return found;
  }

  #unseal(keys: StateKeys, storedKey: Uint8Array, stored: Uint8Array): Uint8Array {
    if (isSealed(this.#hashing, keys.checksum(storedKey), stored)) return stored.subarray(sealBytes);
    throw this.#foundDamage();
  }

  /** Whoever takes care of damage may condemn the state; if nobody does, each value speaks for itself. */
  #foundDamage(): Error {
    this.#onDamage?.(this);
    return this.#damage === undefined ? new StateCorruptError(this.group) : damaged(this.group);
  }

  #refuseDamaged(): void {
    if (this.#damage !== undefined) throw damaged(this.group);
  }

  #readDamage(): string | undefined {
    const key = damageKey(this.group);
    const stored = this.#buffer.get(key);
    return stored === undefined ? undefined : decodeDamage(this.#hashing, key, stored);
  }

  #readGroupRecord(): GroupRecord | "damaged" | undefined {
    const key = groupKey(this.group);
    const stored = this.#buffer.get(key);
    try {
      return stored === undefined ? undefined : decodeGroupRecord(this.#hashing, key, stored);
    } catch (error) {
      this.#onDamagedRecord(error);
      return "damaged";
    }
  }

  /** Every start finds it so again, until another state has taken the place of this one: it needs no mark. */
  #onDamagedRecord(error: unknown): void {
    if (!(error instanceof StateCorruptError) || this.#onDamage === undefined) throw error;
    this.#damage ??= "a record of it does not match its checksum";
  }

  /**
   * The group's record and the end of the staged one go to the buffer in one synchronous run, and so to the store in one
   * batch. Changes of the state before that wait in the buffer are of no consequence any more, but must be in the store
   * before its pairs are removed.
   */
  #replace(by: GroupRecord): Promise<void> {
    this.#become(by);
    this.#buffer.remove(stagedKey(this.group));
    this.#buffer.remove(damageKey(this.group));
    this.#changed();
    return this.#buffer.flush();
  }

  async #removeRecord(): Promise<void> {
    const { low, high } = this.#digest;
    const isUsed = this.#position.index > 0 || low !== 0 || high !== 0 || this.#records.size > 0;
    if (isUsed) return;
    this.#become({ position: initialPosition, digest: emptyDigest, generation: 0 });
    this.#buffer.remove(groupKey(this.group));
    await this.#buffer.flush();
  }

  /** Nothing that is remembered of the state before counts. */
  #become({ position, digest, generation }: GroupRecord): void {
    this.#forgetRemembered();
    this.#damage = undefined;
    this.#isCondemned = false;
    this.#keys = new StateKeys(this.group, generation, this.#hashing);
    this.#position = position;
    this.#digest = digest;
  }

  #forgetRemembered(): void {
    for (const walk of this.#walks) walk.end();
    this.#records.clear();
    this.#lastName = "";
    this.#lastChecksum = undefined;
  }
}

function damaged(group: GroupId): StoreError {
  const message = `The state of group ${group} on this node is damaged, and is loaded anew from another node. Try again in a moment.`;
  return new StoreError("Unavailable", message, { fields: { group } });
}
