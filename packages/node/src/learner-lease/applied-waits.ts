/** Who waits until this node has applied an entry. */

import type { LogIndex } from "@holdfast/base";

interface Wait {
  readonly index: LogIndex;
  readonly end: (isReached: boolean) => void;
}

/** Beyond, it is not waited. */
const waitsMax = 1000;

export class AppliedWaits {
  readonly #appliedIndex: () => LogIndex;
  readonly #waits = new Set<Wait>();

  constructor(appliedIndex: () => LogIndex) {
    this.#appliedIndex = appliedIndex;
  }

  /** False when `signal` was aborted before, or too many wait. */
  reached(index: LogIndex, signal: AbortSignal): Promise<boolean> {
    if (this.#appliedIndex() >= index) return Promise.resolve(true);
    if (signal.aborted || this.#waits.size >= waitsMax) return Promise.resolve(false);
    return new Promise((resolve) => {
      const onAbort = (): void => wait.end(false);
      const wait: Wait = {
        index,
        end: (isReached) => {
          this.#waits.delete(wait);
          signal.removeEventListener("abort", onAbort);
          resolve(isReached);
        },
      };
      this.#waits.add(wait);
      signal.addEventListener("abort", onAbort);
    });
  }

  /** Something was applied here. */
  onApplied(): void {
    if (this.#waits.size === 0) return;
    const appliedIndex = this.#appliedIndex();
    for (const wait of this.#waits) if (wait.index <= appliedIndex) wait.end(true);
  }
}
