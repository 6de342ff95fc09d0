/** The digests of a group's state at some indexes, which replicas have in common though they are never at the same one. */

import type { GroupState } from "@holdfast/state";
import type { DigestAt } from "./state-wire.ts";

/** Entries between two that are remembered; what is kept as records is encoded for it. */
const everyEntries = 512;
const rememberedMax = 8;

export class DigestHistory {
  readonly #state: GroupState;
  #remembered: readonly DigestAt[] = [];

  constructor(state: GroupState) {
    this.#state = state;
  }

  /** An entry was applied; in the same synchronous run. */
  onApplied(): void {
    const { appliedIndex: index } = this.#state;
    if (index % everyEntries !== 0) return;
    this.#remembered = [...this.#remembered, { index, digest: this.#state.digest }].slice(-rememberedMax);
  }

  /** Another state has taken the place of the one before. */
  clear(): void {
    this.#remembered = [];
  }

  /** Those remembered and that of now, in order. */
  get all(): readonly DigestAt[] {
    const { appliedIndex: index, digest } = this.#state;
    return [...this.#remembered.filter((each) => each.index < index), { index, digest }];
  }
}
