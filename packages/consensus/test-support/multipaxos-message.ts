/** Multi-Paxos messages from replica 2 to replica 1 unless told otherwise. */

import { ballot, logIndex } from "@holdfast/base";
import type { Entry } from "../src/contract/entry.ts";
import { replicaId } from "../src/contract/replica-id.ts";
import { proposerOf } from "../src/multipaxos/ballots.ts";
import type {
  Accept,
  Accepted,
  Canvass,
  CanvassReply,
  Decide,
  Heartbeat,
  HeartbeatReply,
  Learn,
  Missing,
  Preempted,
  Prepare,
  Promised,
  Resign,
  TakeOver,
} from "../src/multipaxos/messages.ts";
import type { ReadIndexReply, ReadIndexRequest } from "../src/replica/read-messages.ts";
import type { InstallSnapshot } from "../src/replica/snapshot-message.ts";
import { membership } from "./entries.ts";

export interface Way {
  readonly from?: number;
  readonly to?: number;
}

/** Round 3 of replica 2: 3000002. */
export function ballotOf(round: number, id: number): number {
  return round * 1_000_000 + id;
}

function way({ from = 2, to = 1 }: Way, of: number) {
  return { from: replicaId(from), to: replicaId(to), ballot: ballot(of) };
}

/** From the one whom the ballot belongs to. */
function proposerWay({ from, to = 1 }: Way, of: number) {
  return way({ from: from ?? proposerOf(ballot(of)), to }, of);
}

interface Held extends Way {
  readonly commitIndex?: number;
  readonly heldIndex?: number;
  readonly heldBallot?: number;
}

function holdings({ commitIndex = 0, heldIndex = commitIndex, heldBallot = 0 }: Held) {
  return {
    commitIndex: logIndex(commitIndex),
    heldIndex: logIndex(heldIndex),
    heldBallot: ballot(heldBallot),
  };
}

export function canvass(of: number, number: number, held: Held = {}): Canvass {
  return { kind: "Canvass", ...way(held, of), canvass: number, ...holdings(held) };
}

export function canvassReply(of: number, number: number, granted: boolean, to: Way = {}): CanvassReply {
  return { kind: "CanvassReply", ...way(to, of), canvass: number, granted };
}

export function prepare(
  of: number,
  { first, transfer = false, ...held }: Held & { readonly first?: number; readonly transfer?: boolean } = {},
): Prepare {
  const { commitIndex = 0 } = held;
  return {
    kind: "Prepare",
    ...proposerWay(held, of),
    first: logIndex(first ?? commitIndex + 1),
    transfer,
    ...holdings(held),
  };
}

interface Told extends Way {
  readonly commitIndex?: number;
  /** At least the last of `slots`. */
  readonly lastIndex?: number;
  /** An entry, or one with the ballot that it was accepted in last. */
  readonly slots?: readonly (Entry | readonly [entry: Entry, acceptedIn: number])[];
}

export function promise(
  of: number,
  { commitIndex = 0, lastIndex, slots = [], ...rest }: Told = {},
): Promised {
  const accepted = slots.map((slot) =>
    "index" in slot
      ? { entry: slot, acceptedIn: slot.ballot }
      : { entry: slot[0], acceptedIn: ballot(slot[1]) },
  );
  const last = lastIndex ?? accepted.at(-1)?.entry.index ?? commitIndex;
  return {
    kind: "Promise",
    ...way(rest, of),
    commitIndex: logIndex(commitIndex),
    lastIndex: logIndex(last),
    slots: accepted,
  };
}

interface Proposal extends Way {
  readonly previous?: number;
  readonly entries?: readonly Entry[];
  readonly commitIndex?: number;
}

export function accept(of: number, proposal: Proposal = {}): Accept {
  const { previous = 0, entries = [], commitIndex = 0, ...rest } = proposal;
  return {
    kind: "Accept",
    ...proposerWay(rest, of),
    previousIndex: logIndex(previous),
    entries,
    commitIndex: logIndex(commitIndex),
  };
}

export function accepted(of: number, matchIndex: number, to: Way = {}): Accepted {
  return { kind: "Accepted", ...way(to, of), matchIndex: logIndex(matchIndex) };
}

export function missing(
  of: number,
  previousIndex: number,
  acceptedIndex: number,
  { lost = false, ...to }: Way & { readonly lost?: boolean } = {},
): Missing {
  return {
    kind: "Missing",
    ...way(to, of),
    previousIndex: logIndex(previousIndex),
    acceptedIndex: logIndex(acceptedIndex),
    lost,
  };
}

export function preempted(of: number, to: Way = {}): Preempted {
  return { kind: "Preempted", ...way(to, of) };
}

export function heartbeat(of: number, commitIndex = 0, round = 0, to: Way = {}): Heartbeat {
  return { kind: "Heartbeat", ...proposerWay(to, of), commitIndex: logIndex(commitIndex), round };
}

export function heartbeatReply(
  of: number,
  round = 0,
  { suspect = false, ...to }: Way & { readonly suspect?: boolean } = {},
): HeartbeatReply {
  return { kind: "HeartbeatReply", ...way(to, of), round, suspect };
}

export function decide(of: number, commitIndex: number, to: Way = {}): Decide {
  return { kind: "Decide", ...proposerWay(to, of), commitIndex: logIndex(commitIndex) };
}

export function learn(of: number, entries: readonly Entry[], to: Way = {}): Learn {
  return { kind: "Learn", ...way(to, of), entries };
}

export function installSnapshot(
  of: number,
  at: readonly [index: number, ballot: number],
  to: Way = {},
): InstallSnapshot {
  return {
    kind: "InstallSnapshot",
    ...way(to, of),
    snapshotIndex: logIndex(at[0]),
    snapshotBallot: ballot(at[1]),
    membership: membership([1, 2, 3]),
  };
}

export function takeOver(of: number, to: Way = {}): TakeOver {
  return { kind: "TakeOver", ...proposerWay(to, of) };
}

export function resign(of: number, to: Way = {}): Resign {
  return { kind: "Resign", ...proposerWay(to, of) };
}

export function readIndexRequest(of: number, request: number, to: Way = {}): ReadIndexRequest {
  return { kind: "ReadIndexRequest", ...way(to, of), request };
}

export function readIndexReply(of: number, request: number, index: number, to: Way = {}): ReadIndexReply {
  const at = { index: logIndex(index), commitIndex: logIndex(index) };
  return { kind: "ReadIndexReply", ...proposerWay(to, of), request, ...at };
}
