/** At most so many at once; others wait in order, up to a bound. */

import { NetworkError } from "@holdfast/ports";

export class Turns {
  readonly #atOnceMax: number;
  readonly #waitingMax: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(atOnceMax: number, waitingMax: number) {
    this.#atOnceMax = atOnceMax;
    this.#waitingMax = waitingMax;
  }

  /** Resolves when it is one's turn; `end` is to be called behind it. Rejects with NetworkError. */
  async begin(signal: AbortSignal): Promise<void> {
    if (this.#running < this.#atOnceMax) {
      this.#running++;
      return;
    }
    if (this.#waiting.size >= this.#waitingMax)
      throw new NetworkError("refused", `${this.#waiting.size} exchanges wait for this peer already`);
    await new Promise<void>((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.delete(go);
        reject(new NetworkError("aborted", "the exchange was given up while it waited for its turn"));
      };
      this.#waiting.add(go);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  end(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#running--;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
