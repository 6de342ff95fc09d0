/**
 * The node's state store: looked through at the start, and given up for another one when it is damaged (S12). LMDB's pages carry no
 * checksums: what hit one value may have hit a key, a page's list of its keys, or the list of free pages, by which later writes destroy
 * what is whole. So nothing is kept of a store in which anything was found damaged, if others have all of it.
 */

import { present } from "@holdfast/base";
import type { KeyValue } from "@holdfast/ports";
import { DiskError } from "@holdfast/ports";
import type { GroupState } from "@holdfast/state";
import { StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import { systemGroup } from "../groups/group-ids.ts";
import type { Opening } from "../opening.ts";
import { checkStates } from "./check-states.ts";
import type { StateFolder } from "./state-folder.ts";
import { folderOf, readStateFolder, removeStateFolder, storeStateFolder } from "./state-folder.ts";

type Log = Pick<WriteAheadLog, "groups" | "group">;

/** A store at which the process dies looks as one whose look was cut short by chance; so often it is not by chance. */
const unendedChecksMax = 3;

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
    if (folder.checks >= unendedChecksMax)
      this.#damage ??= `the last ${folder.checks} starts ended while they looked through it`;
  }

  /** `mayBeRenewed`: other nodes have what is in the store. Otherwise what cannot be opened is an error. */
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
    if (kept.#damage === undefined) await kept.#openStore(mayBeRenewed);
    return kept;
  }

  /** Undefined for a store that cannot be used: `renew` makes another. */
  get usable(): KeyValue | undefined {
    return this.#damage === undefined ? this.#store : undefined;
  }

  get states(): StateStore {
    return present(this.#states, "a state store that is open");
  }

  /** Looks through what the store has of the log's groups, and gives it up if anything is damaged that others have. */
  async checkAndRenew(wal: Log): Promise<void> {
    this.#damage ??= await this.#check(wal);
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

  async #openStore(mayBeRenewed: boolean): Promise<void> {
    const { openKeyValue, hashing } = this.#opening.ports;
    try {
      this.#store = await openKeyValue(folderOf(this.#folder.generation));
      this.#states = new StateStore(this.#store, hashing, this.#onDamage);
    } catch (error) {
      if (!mayBeRenewed || !(error instanceof DiskError) || error.kind !== "damaged") throw error;
      this.#damage = error.message;
    }
  }

  /** What is wrong, of a store that others can make good. */
  async #check(wal: Log): Promise<string | undefined> {
    const { checks } = this.#folder;
    await this.#remember({ ...this.#folder, checks: checks + 1 });
    const damage = await checkStates(this.states, wal, this.#opening.ports.clock);
    await this.#remember({ ...this.#folder, checks: 0 });
    return damage;
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
    await this.#remember({ generation, damage: undefined, checks: 0 });
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
