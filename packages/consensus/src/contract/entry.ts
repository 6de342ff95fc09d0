/** What a group's log is made of, and how an entry stands in the write-ahead log. */

import type { Ballot, LogIndex } from "@holdfast/base";
import { briefSlabs, DecodeError } from "@holdfast/base";

/** A place in a group's log; index 0 and ballot 0 before the first entry. */
export interface LogPosition {
  readonly index: LogIndex;
  readonly ballot: Ballot;
}

/**
 * `command` is for the state machine, `membership` names the members from here on (membership.ts), `empty` settles what
 * earlier ballots left (Raft §8, Paxos' no-op).
 */
export type EntryKind = "command" | "membership" | "empty";

export interface Entry {
  readonly index: LogIndex;
  /** In which the value was first proposed: together with the index it names the value, on every replica, for ever. */
  readonly ballot: Ballot;
  readonly kind: EntryKind;
  readonly payload: Uint8Array;
}

/** What an entry counts for in every limit in bytes: its payload and the rest of it in memory. */
export function entryBytes(entry: Entry): number {
  return entry.payload.length + entryOverheadBytes;
}

const entryOverheadBytes = 64;
const kinds: readonly EntryKind[] = ["command", "membership", "empty"];

/** The entry's payload as the write-ahead log keeps it: a byte for the kind, then the payload. */
export function storedPayload(entry: Entry): Uint8Array {
  const stored = briefSlabs.newBytes(1 + entry.payload.length);
  stored[0] = kinds.indexOf(entry.kind);
  stored.set(entry.payload, 1);
  return stored;
}

/** The inverse of `storedPayload`; the payload is a view. Throws DecodeError. */
export function entryOfStored(index: LogIndex, ballot: Ballot, stored: Uint8Array): Entry {
  const kind = kinds[stored[0] ?? kinds.length];
  if (kind === undefined) throw new DecodeError(`entry ${index} is of no known kind`);
  return { index, ballot, kind, payload: stored.subarray(1) };
}
