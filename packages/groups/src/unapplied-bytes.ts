/** Bytes of a group's entries that were handed to the log and are not applied; exact to a write. */

import type { LogIndex } from "@holdfast/base";
import type { Entry } from "@holdfast/consensus";
import { entryBytes } from "@holdfast/consensus";

interface Run {
  readonly last: LogIndex;
  readonly bytes: number;
}

export class UnappliedBytes {
  #runs: Run[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** They replace what was written from the first one on. */
  onWrite(entries: readonly Entry[]): void {
    const [first, last] = [entries[0], entries.at(-1)];
    if (first === undefined || last === undefined) return;
    for (let run = this.#runs.at(-1); run !== undefined && run.last >= first.index; run = this.#runs.at(-1)) {
      this.#runs.pop();
      this.#bytes -= run.bytes;
    }
    const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
    this.#runs.push({ last: last.index, bytes });
    this.#bytes += bytes;
  }

  onApplied(index: LogIndex): void {
    const count = this.#runs.findIndex(({ last }) => last > index);
    for (const { bytes } of this.#runs.splice(0, count < 0 ? this.#runs.length : count)) this.#bytes -= bytes;
  }
}
