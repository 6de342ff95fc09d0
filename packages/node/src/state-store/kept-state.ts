/**
 * The node's state store: looked through at the start, and given up for another one when it is damaged (S12). LMDB's pages carry no
 * checksums: what hit one value may have hit a key, a page's list of its keys, or the list of free pages, by which later writes destroy
 * what is whole. So nothing is kept of a store in which anything was found damaged, if others have all of it.
 */

import { present, StoreError } from "@holdfast/base";
import type { KeyValue } from "@holdfast/ports";
import type { GroupState } from "@holdfast/state";
import { StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import { systemGroup } from "../groups/group-ids.ts";
import type { Opening } from "../opening.ts";
import { checkStates } from "./check-states.ts";
import type { StateFolder } from "./state-folder.ts";
import { folderOf, readStateFolder, removeStateFolder, storeStateFolder } from "./state-folder.ts";

type Log = Pick<WriteAheadLog, "groups" | "group">;

export class KeptState {
  readonly #opening: Opening;
  readonly #onDamage: (state: GroupState) => void;
  #folder: StateFolder;
  #store: KeyValue | undefined;
  #states: StateStore | undefined;
  /** Why the store cannot be used; undefined for one that can, as far as is known. */
  #damage: string | undefined;

  private constructor(opening: Opening, folder: StateFolder, onDamage: (state: GroupState) => void) {
    this.#opening = opening;
    this.#folder = folder;
    this.#onDamage = onDamage;
    this.#damage = folder.damage;
  }

  /** `mayBeRenewed`: other nodes have what is in the store, so it is looked through first. */
  static async open(
    opening: Opening,
    {
      mayBeRenewed,
      onDamage,
    }: { readonly mayBeRenewed: boolean; readonly onDamage: (state: GroupState) => void },
  ): Promise<KeptState> {
    const { disk, hashing } = opening.ports;
    const kept = new KeptState(opening, await readStateFolder(disk, hashing), onDamage);
    opening.closing.add(() => kept.#close());
    if (mayBeRenewed) kept.#damage ??= await kept.#check();
    else if (kept.#damage !== undefined) throw noSource(kept.#damage);
    if (kept.#damage === undefined) await kept.#open();
    return kept;
  }

  /** Undefined for a store that cannot be used. */
  get usable(): KeyValue | undefined {
    return this.#store;
  }

  /** Of a store that can be used. */
  get states(): StateStore {
    return present(this.#states, "a state store that is open");
  }

  /** Makes another store, if this one cannot be used or does not reach to where its log begins. */
  async renewIfDamaged(wal: Log): Promise<void> {
    this.#damage ??= behindLog(this.states, wal);
    if (this.#damage !== undefined) await this.#renew(this.#damage, wal);
    else if (this.states.damaged.length === 0) await this.removeEarlier();
  }

  /** The next start makes another store. Rejects on a disk that takes nothing: then the next start has to find it again. */
  giveUp(damage: string): Promise<void> {
    return this.#remember({ ...this.#folder, damage });
  }

  /** Once every group is whole again nothing is left to be had from the store before. Never rejects. */
  async removeEarlier(): Promise<void> {
    const { generation } = this.#folder;
    if (generation > 0) await removeStateFolder(this.#opening.ports.disk, generation - 1);
  }

  async #check(): Promise<string | undefined> {
    const { checkState, openKeyValue, hashing, clock } = this.#opening.ports;
    const folder = folderOf(this.#folder.generation);
    return checkState === undefined
      ? checkStates(() => openKeyValue(folder), hashing, clock)
      : checkState(folder);
  }

  async #open(): Promise<void> {
    const { openKeyValue, hashing } = this.#opening.ports;
    this.#store = await openKeyValue(folderOf(this.#folder.generation));
    this.#states = new StateStore(this.#store, hashing, this.#onDamage);
  }

  async #renew(damage: string, wal: Log): Promise<void> {
    const { hashing, journal, openKeyValue } = this.#opening.ports;
    const generation = this.#folder.generation + 1;
    journal.error("state store damaged", { folder: folderOf(generation - 1), reason: damage });
    await this.#close();
    this.#store = await openKeyValue(folderOf(generation));
    const states = new StateStore(this.#store, hashing, this.#onDamage);
    for (const group of new Set([systemGroup, ...wal.groups()]))
      states.group(group).condemn(`the state store is damaged: ${damage}`);
    await states.flush();
    await this.#remember({ generation, damage: undefined });
    this.#states = states;
    this.#damage = undefined;
    journal.warn("state store made anew", { folder: folderOf(generation) });
  }

  async #remember(folder: StateFolder): Promise<void> {
    const { disk, hashing } = this.#opening.ports;
    await storeStateFolder(disk, hashing, folder);
    this.#folder = folder;
  }

  async #close(): Promise<void> {
    await this.#store?.close();
  }
}

/** It was given up when others had all of it. */
function noSource(damage: string): StoreError {
  const message = `The state store is damaged (${damage}), and the file that says which nodes have what it had is gone or damaged too. Restore "way-in" from a backup, or remove this node from the cluster and let it join as a new one. Nothing was changed.`;
  return new StoreError("DataCorrupt", message);
}

/**
 * The state of a group ends before its log begins: its record is gone. A crash amid the installation of a snapshot leaves it so, too, with
 * the snapshot beside it.
 */
function behindLog(states: StateStore, wal: Log): string | undefined {
  for (const id of wal.groups()) {
    const checkpoint = wal.group(id)?.checkpoint ?? 0;
    const { isCondemned, appliedIndex, staged } = states.group(id);
    const reach = Math.max(appliedIndex, staged?.position.index ?? 0);
    if (!isCondemned && reach < checkpoint)
      return `the state of group ${id} ends at ${reach}, and the log before ${checkpoint} is gone`;
  }
  return undefined;
}
