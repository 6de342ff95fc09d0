import type { GroupState } from "@holdfast/state";

/** Who takes care of what is wrong with the state store. */
export interface StateWarden {
  /** Something of the state is found damaged: told before whoever found it. */
  onDamage(state: GroupState): void;
  /** The store could not be written. */
  onFlushFailure(cause: unknown): void;
}

/** The warden of a store that is open before there is a cluster that could help. */
export class DamageListener {
  readonly #onFailure: (cause: unknown) => void;
  #warden: StateWarden | undefined;

  /** `onFailure`: hears of what fails before anybody listens. */
  constructor(onFailure: (cause: unknown) => void) {
    this.#onFailure = onFailure;
  }

  listen(warden: StateWarden): void {
    this.#warden = warden;
  }

  onDamage(state: GroupState): void {
    this.#warden?.onDamage(state);
  }

  onFlushFailure(cause: unknown): void {
    if (this.#warden === undefined) this.#onFailure(cause);
    else this.#warden.onFlushFailure(cause);
  }
}
