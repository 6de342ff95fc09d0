/**
 * What this node finds damaged of its own state while it runs (S12): from that moment on nothing is read of the store and nothing applied
 * to it, what is led here goes to others, and the node ends, to be started on another store. Where others lack some of it, there is
 * only the one state to be loaded anew, or nothing to be done.
 */

import type { GroupId } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import type { GroupState, StateStore } from "@holdfast/state";
import type { NodeGroups } from "../groups/node-groups.ts";
import type { StateReloads } from "../state-reload/state-reloads.ts";
import { isUnreadable } from "./check-states.ts";
import type { StateWarden } from "./damage-listener.ts";
import type { KeptState } from "./kept-state.ts";

export interface StateDamageParts {
  readonly states: StateStore;
  readonly kept: Pick<KeptState, "giveUp">;
  readonly groups: Pick<NodeGroups, "openGroups" | "hasOthers" | "failState">;
  readonly reloads: Pick<StateReloads, "condemn" | "begin">;
  readonly onFailure: (cause: unknown) => void;
}

/** The state store of a node that has to be started again: then it makes another and fills it from others. */
export class StateDamagedError extends StoreError {
  constructor(reason: string) {
    const message = `The state store of this node is damaged (${reason}). Start the node again: it makes another, and fills it from the other nodes.`;
    super("DataCorrupt", message);
  }
}

export class StateDamage implements StateWarden {
  readonly #parts: StateDamageParts;
  #isGivenUp = false;

  constructor(parts: StateDamageParts) {
    this.#parts = parts;
  }

  onDamage({ group }: GroupState): void {
    this.#found(group, "a value of it is not what was stored, or its values do not add up to its digest");
  }

  /** A replica ended, for its state failed. If that is damaged, it gets another; otherwise the program is at fault. */
  onStateFailure(state: GroupState, cause: unknown): void {
    if (this.#isGivenUp) return;
    if (state.damage !== undefined) this.#parts.reloads.begin(state);
    else if (isUnreadable(cause)) this.#found(state.group, `it cannot be read: ${String(cause)}`);
    else this.#parts.onFailure(cause);
  }

  onFlushFailure(cause: unknown): void {
    if (isUnreadable(cause) && this.#mayBeRenewed) this.#giveUp(`it cannot be written: ${String(cause)}`);
    else this.#parts.onFailure(cause);
  }

  get #mayBeRenewed(): boolean {
    const { groups } = this.#parts;
    return groups.openGroups.every((group) => groups.hasOthers(group));
  }

  #found(group: GroupId, reason: string): void {
    const { states, reloads } = this.#parts;
    if (this.#mayBeRenewed) this.#giveUp(`group ${group}: ${reason}`);
    else reloads.condemn(states.group(group), reason);
  }

  #giveUp(reason: string): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    const { states, kept, groups, onFailure } = this.#parts;
    const error = new StateDamagedError(reason);
    states.condemn(reason);
    for (const group of groups.openGroups) groups.failState(group, error);
    // Where even the mark cannot be stored the next start looks for itself.
    kept.giveUp(reason).then(
      () => onFailure(error),
      () => onFailure(error),
    );
  }
}
