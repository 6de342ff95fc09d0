import { ByteGate } from "@holdfast/blocks";

/** Room for bodies of requests: some wait for it, the others learn that this node is busy. */
export class ServedRoom {
  readonly #gate: ByteGate;
  readonly #waitingMax: number;
  #waiting = 0;

  constructor(bytesMax: number, waitingMax: number) {
    this.#gate = new ByteGate(bytesMax);
    this.#waitingMax = waitingMax;
  }

  /** In use. */
  get bytes(): number {
    return this.#gate.bytes;
  }

  /** What gives the room back, once, however often it is called; undefined when too many wait already. */
  async take(bytes: number): Promise<(() => void) | undefined> {
    if (this.#waiting >= this.#waitingMax) return undefined;
    this.#waiting++;
    try {
      await this.#gate.enter(bytes);
    } finally {
      this.#waiting--;
    }
    let isTaken = true;
    return () => {
      if (isTaken) this.#gate.leave(bytes);
      isTaken = false;
    };
  }
}
