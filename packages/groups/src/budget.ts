/** How much of one kind of work one group may do in one turn. */
export class Budget {
  #items: number;
  #bytes: number;

  constructor(limits: { readonly turnItemsMax: number; readonly turnBytesMax: number }) {
    this.#items = limits.turnItemsMax;
    this.#bytes = limits.turnBytesMax;
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
