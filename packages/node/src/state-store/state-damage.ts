/**
 * What this node finds damaged of its own state while it runs (S12): from that moment on nothing is read of the store and nothing applied
 * to it, what is led here goes to others, and the node ends, to be started on another store. Where others lack some of it, there is
 * only the one state to be loaded anew, or nothing to be done.
 */

import type { GroupId } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import { DiskError } from "@holdfast/ports";
import type { GroupState, StateStore } from "@holdfast/state";
import type { NodeGroups } from "../groups/node-groups.ts";
import type { StateReloads } from "../state-reload/state-reloads.ts";
import { isUnreadable } from "./check-states.ts";
import type { StateWarden } from "./damage-listener.ts";
import type { KeptState } from "./kept-state.ts";

export interface StateDamageParts {
  readonly states: StateStore;
  readonly kept: Pick<KeptState, "giveUp">;
  readonly groups: Pick<NodeGroups, "openGroups" | "areAllElsewhere" | "failState">;
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

/** The disk was full amid a write of the state store: a node that is started again goes on from what was there before. */
export class StateUnwrittenError extends StoreError {
  constructor(cause: DiskError) {
    const message = `The state store could not be written, the disk was full (${cause.message}). Free some space, and start the node again.`;
    super("OutOfSpace", message, { cause });
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

  /** A replica ended, for its state failed. If that is damaged and others have it, it gets another; otherwise the node can go on no longer. */
  onStateFailure(state: GroupState, cause: unknown): void {
    if (state.damage === undefined && isUnreadable(cause))
      this.#found(state.group, `it cannot be read: ${String(cause)}`);
    if (this.#isGivenUp) return;
    if (state.damage === undefined) this.#parts.onFailure(cause);
    else this.#parts.reloads.begin(state);
  }

  /**
   * What a write that failed has left is not known (S11), and never tried again. A disk that is full took nothing of it: the node has to
   * be started again, but its store is as it was before.
   */
  onFlushFailure(cause: unknown): void {
    if (!this.#parts.groups.areAllElsewhere) return this.#parts.onFailure(cause);
    if (cause instanceof DiskError && cause.kind === "no-space") this.#end(new StateUnwrittenError(cause));
    else this.#giveUp(`it cannot be written: ${String(cause)}`);
  }

  #found(group: GroupId, reason: string): void {
    const { states, groups, reloads } = this.#parts;
    if (groups.areAllElsewhere) this.#giveUp(`group ${group}: ${reason}`);
    else reloads.condemn(states.group(group), reason);
  }

  #giveUp(reason: string): void {
    if (this.#isGivenUp) return;
    this.#parts.states.condemn(reason);
    // Where even the mark cannot be stored the next start looks for itself.
    this.#end(new StateDamagedError(reason), this.#parts.kept.giveUp(reason));
  }

  #end(error: StoreError, before: Promise<void> = Promise.resolve()): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    const { groups, onFailure } = this.#parts;
    for (const group of groups.openGroups) groups.failState(group, error);
    before.then(
      () => onFailure(error),
      () => onFailure(error),
    );
  }
}
