/** Entries that the core no longer has in memory, read from the log for followers that lag. */

import type { GroupId, LogIndex } from "@holdfast/base";
import { logIndex } from "@holdfast/base";
import type { Fetched, ReplicaId } from "@holdfast/consensus";
import { entryOfStored } from "@holdfast/consensus";
import type { Journal } from "@holdfast/ports";
import type { WriteAheadLog } from "@holdfast/wal";
import { WalError } from "@holdfast/wal";

export class OldEntries {
  readonly #wal: WriteAheadLog;
  readonly #group: GroupId;
  readonly #journal: Journal;

  constructor(wal: WriteAheadLog, group: GroupId, journal: Journal) {
    this.#wal = wal;
    this.#group = group;
    this.#journal = journal;
  }

  /** As many as fit, at least one. What cannot be read is taken for compacted: a snapshot has to do. */
  async read(to: ReplicaId, from: LogIndex, bytesMax: number): Promise<Fetched> {
    const end = this.#wal.group(this.#group)?.lastIndex ?? logIndex(0);
    if (from > end) return { kind: "compacted", to };
    try {
      const stored = await this.#wal.entries(this.#group, from, logIndex(end + 1), bytesMax);
      const index = logIndex(from - 1);
      const ballot = this.#wal.ballotAt(this.#group, index);
      if (ballot === undefined) return { kind: "compacted", to };
      const entries = stored.map((entry) => entryOfStored(entry.index, entry.ballot, entry.payload));
      return { kind: "entries", to, previous: { index, ballot }, entries };
    } catch (cause) {
      if (!(cause instanceof WalError)) throw cause;
      if (cause.kind === "damaged")
        this.#journal.error("group.entries.damaged", { group: this.#group, from, problem: cause.message });
      return { kind: "compacted", to };
    }
  }
}
