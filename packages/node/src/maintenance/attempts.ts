import { AssertionError, StoreError } from "@holdfast/base";

/** Pieces of one round of work: one that fails for now leaves the others alone, and the round fails behind them all. */
export class Attempts {
  readonly #stopping: AbortSignal;
  #failure: StoreError | undefined;

  constructor(stopping: AbortSignal) {
    this.#stopping = stopping;
  }

  get isOver(): boolean {
    return this.#stopping.aborted;
  }

  /** Whether it went well. What is no StoreError ends the round. */
  async make(piece: () => Promise<void>): Promise<boolean> {
    try {
      await piece();
      return true;
    } catch (error) {
      if (error instanceof AssertionError || !(error instanceof StoreError)) throw error;
      this.#failure ??= error;
      return false;
    }
  }

  /** Throws the first failure. */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
