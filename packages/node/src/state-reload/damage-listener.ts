import type { GroupState } from "@holdfast/state";

/** Who takes care of damage in the state store, which is open before there is a cluster that could help. */
export class DamageListener {
  #listener: ((state: GroupState) => void) | undefined;

  listen(listener: (state: GroupState) => void): void {
    this.#listener = listener;
  }

  onDamage(state: GroupState): void {
    this.#listener?.(state);
  }
}
