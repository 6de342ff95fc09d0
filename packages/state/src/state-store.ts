/**
 * The state of all of a node's groups, in one key-value store behind one write buffer.
 *
 * What is durable when: nothing before `flush` resolves; then, for every group, all entries up to the index it returns.
 * The applied index, the digest and the pairs of an entry reach the store in the same atomic batch, so that a crash
 * leaves each group exactly at its recorded applied index, and the log makes up the rest.
 */

import type { GroupId, LogIndex } from "@holdfast/base";
import type { Hashing, KeyValue } from "@holdfast/ports";
import { WriteBuffer } from "@holdfast/ports";
import { recordedGroups } from "./group-record.ts";
import { GroupState } from "./group-state.ts";

export class StateStore {
  readonly #store: KeyValue;
  readonly #buffer: WriteBuffer;
  readonly #hashing: Hashing;
  readonly #groups = new Map<GroupId, GroupState>();
  readonly #unsettled = new Set<GroupState>();
  readonly #onDamage: ((state: GroupState) => void) | undefined;

  /**
   * `onDamage` is told of each damage that is found, before whoever found it, and may condemn the state: nothing is read of it any
   * more. Without it damage is an error of each value, and nobody's beyond.
   */
  constructor(store: KeyValue, hashing: Hashing, onDamage?: (state: GroupState) => void) {
    this.#store = store;
    this.#buffer = new WriteBuffer(store, () => this.#settle());
    this.#hashing = hashing;
    this.#onDamage = onDamage;
  }

  /** Throws StateCorruptError when a record of the group is damaged and nobody takes care of damage. */
  group(id: GroupId): GroupState {
    const known = this.#groups.get(id);
    if (known !== undefined) return known;
    const state = new GroupState(id, {
      store: this.#store,
      buffer: this.#buffer,
      hashing: this.#hashing,
      onChange: (changed) => this.#unsettled.add(changed),
      onDamage: this.#onDamage,
    });
    this.#groups.set(id, state);
    return state;
  }

  /** Of all groups that the store has a record of. */
  stored(): readonly GroupState[] {
    return Array.from(recordedGroups(this.#store), (group) => this.group(group));
  }

  /** Those of the groups that were asked for whose state is not used. */
  get damaged(): readonly GroupState[] {
    return [...this.#groups.values()].filter(({ damage }) => damage !== undefined);
  }

  /** Nothing of it is used any more: every group that was asked for is damaged. */
  condemn(reason: string): void {
    for (const state of this.#groups.values()) state.condemn(reason);
  }

  /** Bytes that wait for the next flush, about. */
  get pendingBytes(): number {
    return this.#buffer.pendingBytes + this.#unsettled.size;
  }

  /**
   * Makes everything applied before the call durable; the log needs no entry up to the indexes it returns. Damaged states are not
   * among them: what takes their place may need the log.
   */
  async flush(): Promise<ReadonlyMap<GroupId, LogIndex>> {
    const whole = [...this.#groups].filter(([, state]) => state.damage === undefined);
    const applied = new Map(whole.map(([id, state]) => [id, state.appliedIndex] as const));
    await this.#buffer.flush();
    return applied;
  }

  /**
   * Removes the group's whole state, and a staged one, for a replica that leaves or joins anew. Its state is empty from the
   * moment this begins, and durably so before the first pair is removed; when it resolves nothing of the group is stored, but
   * for what was applied anew meanwhile. A crash leaves the state as it was, or the empty one.
   */
  forget(id: GroupId): Promise<void> {
    return this.group(id).forget();
  }

  #settle(): void {
    for (const state of this.#unsettled) state.settle();
    this.#unsettled.clear();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
