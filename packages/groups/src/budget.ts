/** How much one group may do in one turn. */
export interface Share {
  readonly items: number;
  readonly bytes: number;
}

/** What is left of a share for one kind of work. */
export class Budget {
  #items: number;
  #bytes: number;

  constructor({ items, bytes }: Share) {
    this.#items = items;
    this.#bytes = bytes;
  }

  get isSpent(): boolean {
    return this.#items <= 0 || this.#bytes <= 0;
  }

  /** The last one may overdraw it: a turn always gets something done. */
  spend(bytes: number): void {
    this.#items--;
    this.#bytes -= bytes;
  }
}
