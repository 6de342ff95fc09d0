/**
 * A leader whose log has no room for another entry keeps its groups from committing anything, though the others may have room:
 * they still hear of it, so none of them stands. So it offers what it leads to others, as long as that lasts.
 */

import type { WriteAheadLog } from "@holdfast/wal";
import type { RoundsParts } from "../maintenance/rounds.ts";
import { Rounds } from "../maintenance/rounds.ts";

export interface FullLogParts extends RoundsParts {
  readonly wal: Pick<WriteAheadLog, "admits" | "stopped">;
  readonly offerLeaderships: () => void;
}

const lookMs = 1000;
/** What a small command takes, with its frame. */
const entryBytes = 4096;

/** Started; the owner stops it. */
export function watchForFullLog({ wal, offerLeaderships, ...parts }: FullLogParts): Rounds {
  // A queue that is full for a moment is no lack of room.
  let wasFull = false;
  const rounds = new Rounds(parts, "looking for room in the log", () => {
    const isFull = wal.stopped === undefined && !wal.admits(entryBytes);
    if (isFull && wasFull) offerLeaderships();
    wasFull = isFull;
    return Promise.resolve(lookMs);
  });
  rounds.start(lookMs);
  return rounds;
}
