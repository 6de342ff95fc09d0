/**
 * In which ballot each slot was last accepted. A slot's entry names the ballot in which its value was first proposed, and
 * most slots are accepted in that one alone. Only what a later leader proposes again needs to be remembered, and leaders
 * propose in order from the chosen prefix on: all slots up to `through` were accepted in `ballot` or later.
 *
 *   slots        4   5   6   7   8   9
 *   value of     3   3   3   5   5   7
 *   steps        |-- in 7 --|            { through: 6, ballot: 7 }
 *   accepted in  7   7   7   5   5   7
 */

import type { Ballot, LogIndex } from "@holdfast/base";
import type { Entry } from "../contract/entry.ts";

export interface AcceptanceStep {
  readonly through: LogIndex;
  readonly ballot: Ballot;
}

export class Acceptances {
  /** `through` ascends, `ballot` descends. */
  #steps: readonly AcceptanceStep[];

  constructor(steps: readonly AcceptanceStep[]) {
    this.#steps = steps;
  }

  get steps(): readonly AcceptanceStep[] {
    return this.#steps;
  }

  /** The ballot that this entry, which is in the log, was last accepted in. */
  ballotOf({ index, ballot }: Entry): Ballot {
    const step = this.#steps.find(({ through }) => through >= index);
    return step !== undefined && step.ballot > ballot ? step.ballot : ballot;
  }

  /** All slots up to this one are accepted in this ballot, which is the highest so far, or chosen. */
  add(through: LogIndex, ballot: Ballot): void {
    this.#steps = [{ through, ballot }, ...this.#steps.filter((step) => step.through > through)];
  }

  /** Nobody asks about what is chosen. */
  forget(chosen: LogIndex): void {
    if (this.#steps.length > 0) this.#steps = this.#steps.filter(({ through }) => through > chosen);
  }
}
