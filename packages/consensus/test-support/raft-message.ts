/** Raft messages from replica 2 to replica 1 unless told otherwise. */

import { ballot, logIndex } from "@holdfast/base";
import type { Entry } from "../src/contract/entry.ts";
import { replicaId } from "../src/contract/replica-id.ts";
import type {
  AppendEntries,
  AppendEntriesReply,
  Heartbeat,
  HeartbeatReply,
  RequestPreVote,
  RequestPreVoteReply,
  RequestVote,
  RequestVoteReply,
  TimeoutNow,
} from "../src/raft/messages.ts";
import type { ReadIndexReply, ReadIndexRequest } from "../src/replica/read-messages.ts";
import type { InstallSnapshot } from "../src/replica/snapshot-message.ts";
import { membership } from "./entries.ts";

export interface Way {
  readonly from?: number;
  readonly to?: number;
}

function way({ from = 2, to = 1 }: Way, of: number) {
  return { from: replicaId(from), to: replicaId(to), ballot: ballot(of) };
}

interface Candidate extends Way {
  readonly lastIndex?: number;
  readonly lastBallot?: number;
  readonly transfer?: boolean;
}

export function requestVote(
  of: number,
  { lastIndex = 0, lastBallot = 0, ...rest }: Candidate = {},
): RequestVote {
  const last = { lastIndex: logIndex(lastIndex), lastBallot: ballot(lastBallot) };
  return { kind: "RequestVote", ...way(rest, of), ...last, transfer: rest.transfer ?? false };
}

export function requestPreVote(
  of: number,
  { lastIndex = 0, lastBallot = 0, ...rest }: Candidate = {},
): RequestPreVote {
  const last = { lastIndex: logIndex(lastIndex), lastBallot: ballot(lastBallot) };
  return { kind: "RequestPreVote", ...way(rest, of), ...last };
}

export function voteReply(of: number, granted: boolean, to: Way = {}): RequestVoteReply {
  return { kind: "RequestVoteReply", ...way(to, of), granted };
}

export function preVoteReply(of: number, granted: boolean, to: Way = {}): RequestPreVoteReply {
  return { kind: "RequestPreVoteReply", ...way(to, of), granted };
}

interface Appended extends Way {
  readonly previous?: readonly [index: number, ballot: number];
  readonly entries?: readonly Entry[];
  readonly commitIndex?: number;
}

export function appendEntries(of: number, appended: Appended = {}): AppendEntries {
  const { previous = [0, 0], entries = [], commitIndex = 0, ...rest } = appended;
  return {
    kind: "AppendEntries",
    ...way(rest, of),
    previousIndex: logIndex(previous[0]),
    previousBallot: ballot(previous[1]),
    entries,
    commitIndex: logIndex(commitIndex),
  };
}

export function accepted(of: number, matchIndex: number, to: Way = {}): AppendEntriesReply {
  return {
    kind: "AppendEntriesReply",
    outcome: "accepted",
    ...way(to, of),
    matchIndex: logIndex(matchIndex),
  };
}

interface Rejected extends Way {
  readonly rejectedIndex: number;
  readonly hintIndex: number;
  readonly hintBallot: number;
  readonly lost?: boolean;
}

export function rejected(
  of: number,
  { rejectedIndex, hintIndex, hintBallot, lost, ...rest }: Rejected,
): AppendEntriesReply {
  return {
    kind: "AppendEntriesReply",
    outcome: "rejected",
    ...way(rest, of),
    rejectedIndex: logIndex(rejectedIndex),
    hintIndex: logIndex(hintIndex),
    hintBallot: ballot(hintBallot),
    lost: lost ?? false,
  };
}

export function heartbeat(of: number, commitIndex = 0, round = 0, to: Way = {}): Heartbeat {
  return { kind: "Heartbeat", ...way(to, of), commitIndex: logIndex(commitIndex), round };
}

export function heartbeatReply(of: number, round = 0, to: Way = {}): HeartbeatReply {
  return { kind: "HeartbeatReply", ...way(to, of), round };
}

export function timeoutNow(of: number, to: Way = {}): TimeoutNow {
  return { kind: "TimeoutNow", ...way(to, of) };
}

export function readIndexRequest(of: number, request: number, to: Way = {}): ReadIndexRequest {
  return { kind: "ReadIndexRequest", ...way(to, of), request };
}

export function readIndexReply(of: number, request: number, index: number, to: Way = {}): ReadIndexReply {
  const at = { index: logIndex(index), commitIndex: logIndex(index) };
  return { kind: "ReadIndexReply", ...way(to, of), request, ...at };
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
