/** Bytes that the operations of all streams may hold at once: what they brought, and what their answers may need. */
export class MemoryBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isSpent(): boolean {
    return this.#bytes >= this.#bytesMax;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
  }
}
