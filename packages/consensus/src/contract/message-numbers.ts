/** What any replica may say of any message, whatever the protocol. Messages come from the network. */

import { DecodeError } from "@holdfast/base";
import type { Envelope } from "./consensus.ts";
import type { Entry } from "./entry.ts";
import { decodeMembership } from "./membership.ts";
import type { ReplicaId } from "./replica-id.ts";

/** Far beyond what elections reach, and far below where arithmetic ends. */
const numberMax = 2 ** 50;

export function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= numberMax;
}

export function problemOfNumbers(a: number, b = 0, c = 0): string | undefined {
  if (isCount(a) && isCount(b) && isCount(c)) return undefined;
  return `not numbers as they are counted: ${a}, ${b}, ${c}`;
}

export function problemOfEnvelope(self: ReplicaId, { from, to, ballot }: Envelope): string | undefined {
  if (to !== self) return `for replica ${to}, not ${self}`;
  if (!isCount(from) || from === 0 || from === self) return "from no other replica";
  return isCount(ballot) ? undefined : `ballot ${ballot}`;
}

/** Entries from `first` on, each in its place, of ballots up to `ballotMax`. */
export function problemOfEntry(entry: Entry, place: number, ballotMax: number): string | undefined {
  if (entry.index !== place) return `entry ${entry.index} at place ${place}`;
  if (!isCount(entry.ballot) || entry.ballot === 0 || entry.ballot > ballotMax)
    return `entry ${entry.index} of ballot ${entry.ballot}`;
  return entry.kind === "membership" && !isMembership(entry)
    ? `entry ${entry.index} is no membership`
    : undefined;
}

function isMembership({ payload }: Entry): boolean {
  try {
    decodeMembership(payload);
    return true;
  } catch (error) {
    if (error instanceof DecodeError) return false;
    throw error;
  }
}
