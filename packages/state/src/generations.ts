/**
 * The generations of one group's state: the one in use, at most one that lies staged beside it, and garbage.
 *
 * A generation counts only if a record names it: the group's own, or that of the staged one. Records change in one batch
 * each, and batches become durable in their order, so a crash leaves the state before or behind the change:
 *
 *   stage     1. pairs of a generation that nothing is stored of, in many batches   a crash leaves garbage
 *             2. the last pairs and the staged record                               from here on it is found at an open
 *             3. flushed: `stage` resolves
 *   install   1. one batch: the group's record names the generation, the staged record goes
 *             2. flushed: `install` resolves; only then pairs of the generation before are removed
 *   discard   1. the staged record goes   2. flushed   3. its pairs are removed
 *   forget    1. the group's record names a new, empty generation, the staged record goes   2. flushed
 *             3. all pairs are removed   4. the group's record goes
 *
 * Whatever no record names is garbage. It is removed in small batches in the background, looked for at each open, behind
 * each change, and before a new generation is loaded.
 *
 * One thing is done at a time; only the removal of garbage steps aside for what is asked for.
 */

import { assert } from "@holdfast/base";
import type { Hashing, KeyValue, Mutation } from "@holdfast/ports";
import { DiskError } from "@holdfast/ports";
import { emptyDigest } from "./digest.ts";
import type { GroupRecord } from "./group-record.ts";
import { decodeGroupRecord, encodeGroupRecord, stagedKey } from "./group-record.ts";
import { loadGeneration } from "./load-generation.ts";
import type { StagedGroupState } from "./staged-state.ts";
import { generationOfKey, laterGenerations, StateKeys } from "./state-keys.ts";
import type { StatePosition } from "./state-position.ts";
import { initialPosition } from "./state-position.ts";

/** What the generations need of the group they belong to. */
export interface GenerationsOwner {
  readonly store: KeyValue;
  readonly hashing: Hashing;
  /** Of the state in use. */
  readonly keys: () => StateKeys;
  readonly applied: () => StatePosition;
  /** Makes another generation the state, with no staged one beside it; resolves when that is durable. */
  readonly replace: (by: GroupRecord) => Promise<void>;
  /** Nothing is left in the store: leaves no record either, unless the group was used again meanwhile. */
  readonly removeRecord: () => Promise<void>;
  /** The state in use is to be replaced, whatever its place. */
  readonly isDamaged: () => boolean;
  /** False: the record that names the generation in use is damaged. */
  readonly isKnown: boolean;
  /** Throws the error when nobody takes care of damage. */
  readonly onDamagedRecord: (error: unknown) => void;
}

/** Pairs removed at once. */
const garbageBatchPairs = 256;

export class Generations {
  readonly #owner: GenerationsOwner;
  #staged: Staged | undefined;
  /** Settles, without failing, when what was asked for last is done. */
  #last: Promise<void> = Promise.resolve();
  /** Asked for and not begun. */
  #waiting = 0;
  /** A write of a record failed, or a record is damaged: nobody knows which generations count. */
  #isUncertain = false;

  /** Throws StateCorruptError when the staged record is damaged and nobody takes care of damage. */
  constructor(owner: GenerationsOwner) {
    this.#owner = owner;
    this.#isUncertain = !owner.isKnown;
    this.#staged = this.#readStaged();
    if (this.#garbage() !== undefined) this.#removeInBackground();
  }

  get staged(): StagedGroupState | undefined {
    return this.#staged;
  }

  stage(position: StatePosition, body: AsyncIterable<Uint8Array>): Promise<StagedGroupState> {
    return this.#exclusively(async () => {
      const { store, hashing } = this.#owner;
      await this.#removeGarbage(() => false);
      const keys = this.#unusedKeys();
      const { digest, rest } = await loadGeneration({ store, hashing, keys, position }, body);
      const record = { position, digest, generation: keys.generation };
      const key = stagedKey(keys.group);
      await this.#write([...rest, { key, value: encodeGroupRecord(hashing, key, record) }]);
      this.#staged = this.#stagedState(record);
      return this.#staged;
    });
  }

  /** Leaves the empty state, and nothing of the group in the store. */
  forget(): Promise<void> {
    return this.#exclusively(async () => {
      const { generation } = this.#unusedKeys();
      this.#staged = undefined;
      await this.#replace({ position: initialPosition, digest: emptyDigest, generation });
      await this.#removeGarbage(() => false);
      assert(this.#garbage() === undefined, "nothing shows up under generation 0");
      await this.#owner.removeRecord();
    });
  }

  /** Resolves when nothing is being done, and nothing waits. */
  async settled(): Promise<void> {
    for (let last; last !== this.#last; ) {
      last = this.#last;
      await last;
    }
  }

  #readStaged(): Staged | undefined {
    const { store, hashing, keys, onDamagedRecord } = this.#owner;
    const key = stagedKey(keys().group);
    const stored = store.get(key);
    try {
      return stored === undefined ? undefined : this.#stagedState(decodeGroupRecord(hashing, key, stored));
    } catch (error) {
      onDamagedRecord(error);
      this.#isUncertain = true;
      return undefined;
    }
  }

  #stagedState(record: GroupRecord): Staged {
    const staged: Staged = {
      generation: record.generation,
      position: record.position,
      install: () => this.#exclusively(() => this.#install(staged, record)),
      discard: () => this.#exclusively(() => this.#discard(staged)),
    };
    return staged;
  }

  async #install(staged: Staged, record: GroupRecord): Promise<void> {
    assert(this.#staged === staged, "it lies beside the state");
    const isLater = staged.position.index > this.#owner.applied().index;
    assert(isLater || this.#owner.isDamaged(), "a state is replaced by a later one");
    this.#staged = undefined;
    await this.#replace(record);
  }

  async #discard(staged: Staged): Promise<void> {
    if (this.#staged !== staged) return;
    await this.#write([{ key: stagedKey(this.#owner.keys().group), value: undefined }]);
    this.#staged = undefined;
  }

  /** Both records are written anew: whatever was uncertain is settled. */
  async #replace(by: GroupRecord): Promise<void> {
    await this.#recorded(this.#owner.replace(by));
    this.#isUncertain = false;
  }

  /** Changes the staged record; resolves when that is durable. */
  #write(batch: readonly Mutation[]): Promise<void> {
    const { store } = this.#owner;
    return this.#recorded(store.write(batch).then(() => store.flush()));
  }

  async #recorded(change: Promise<void>): Promise<void> {
    try {
      await change;
    } catch (error) {
      this.#isUncertain = true;
      throw error;
    }
  }

  /** Runs it when everything asked for before has ended, and removes the garbage that it leaves. */
  #exclusively<T>(action: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const running = this.#last.then(() => {
      this.#waiting--;
      return action();
    });
    this.#last = running.then(
      () => undefined,
      () => undefined,
    );
    this.#removeInBackground();
    return running;
  }

  #removeInBackground(): void {
    this.#last = this.#last.then(() => this.#removeGarbage(() => this.#waiting > 0)).catch(whileStoreFails);
  }

  /** Batch by batch, until nothing is left or it has to step aside; whoever it steps aside for lets it go on. */
  async #removeGarbage(stepsAside: () => boolean): Promise<void> {
    if (this.#isUncertain) return;
    for (let keys = this.#garbage(); keys !== undefined && !stepsAside(); keys = this.#garbage()) {
      const batch: Mutation[] = [];
      for (const { key } of this.#owner.store.range({
        from: keys.from,
        to: keys.to,
        limit: garbageBatchPairs,
      }))
        batch.push({ key, value: undefined });
      await this.#owner.store.write(batch);
    }
  }

  /** A generation that pairs are stored of and no record names. */
  #garbage(): StateKeys | undefined {
    const { group, generation } = this.#owner.keys();
    if (generation !== 0) {
      const first = this.#keysOf(0);
      if (firstKey(this.#owner.store, first) !== undefined) return first;
    }
    for (let from = 1; ; ) {
      const key = firstKey(this.#owner.store, laterGenerations(group, from));
      if (key === undefined) return undefined;
      const found = generationOfKey(key);
      if (found !== generation && found !== this.#staged?.generation) return this.#keysOf(found);
      from = found + 1;
    }
  }

  /** Of a generation that nothing is stored of. */
  #unusedKeys(): StateKeys {
    const { group, generation } = this.#owner.keys();
    const last = firstKey(this.#owner.store, laterGenerations(group, 0), true);
    const lastStored = last === undefined ? 0 : generationOfKey(last);
    return this.#keysOf(1 + Math.max(generation, this.#staged?.generation ?? 0, lastStored));
  }

  #keysOf(generation: number): StateKeys {
    return new StateKeys(this.#owner.keys().group, generation, this.#owner.hashing);
  }
}

interface Staged extends StagedGroupState {
  readonly generation: number;
}

function firstKey(
  store: KeyValue,
  range: { readonly from: Uint8Array; readonly to: Uint8Array },
  reverse: boolean = false,
): Uint8Array | undefined {
  for (const { key } of store.range({ from: range.from, to: range.to, limit: 1, reverse })) return key;
  return undefined;
}

/** A store that fails says so to the next flush, which its owner waits for; the garbage is found again at the next open. */
function whileStoreFails(error: unknown): void {
  if (!(error instanceof DiskError)) throw error;
}
