import { assert } from "@holdfast/base";

/**
 * Memory that all readers together may use for blocks fetched ahead. A reader that gets none reads on, block by block: so
 * thousands of clients that do not take their answers cost the one block that each of them has in hand, and no more.
 */
export class ReadAhead {
  #bytesLeft: number;

  constructor(bytesMax: number) {
    this.#bytesLeft = bytesMax;
  }

  /** Whether the bytes were taken; each that was is given back once. */
  take(bytes: number): boolean {
    if (bytes > this.#bytesLeft) return false;
    this.#bytesLeft -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    assert(bytes >= 0, "bytes that were taken");
    this.#bytesLeft += bytes;
  }
}
