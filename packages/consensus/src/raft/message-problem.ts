/**
 * What is wrong with a message, judged by what any replica knows: form, order, bounds. Messages come from the network;
 * one that no correct replica could have sent is refused here, before anything is changed, and never trips an assertion.
 */

import { assertNever, DecodeError } from "@holdfast/base";
import type { Entry, LogPosition } from "../contract/entry.ts";
import { decodeMembership } from "../contract/membership.ts";
import type { InstallSnapshot } from "../replica/snapshot-message.ts";
import type { Leading } from "./leading.ts";
import type { AppendEntries, AppendEntriesReply, HeartbeatReply, RaftMessage } from "./messages.ts";
import type { RaftCore } from "./raft-core.ts";

/** Far beyond what elections reach, and far below where arithmetic ends. */
const numberMax = 2 ** 50;

/** `leading` if the replica leads. */
export function problemOf(
  core: RaftCore,
  leading: Leading | undefined,
  message: RaftMessage,
): string | undefined {
  const { from, to, ballot } = message;
  if (to !== core.id) return `for replica ${to}, not ${core.id}`;
  if (!isCount(from) || from === 0 || from === core.id) return "from no other replica";
  if (!isCount(ballot) || ballot === 0) return `ballot ${ballot}`;
  return problemOfBody(core, leading, message);
}

function problemOfBody(
  core: RaftCore,
  leading: Leading | undefined,
  message: RaftMessage,
): string | undefined {
  switch (message.kind) {
    case "RequestPreVote":
    case "RequestVote":
      return problemOfNumbers(message.lastIndex, message.lastBallot);
    case "RequestPreVoteReply":
    case "RequestVoteReply":
    case "TimeoutNow":
      return undefined;
    case "AppendEntries":
      return problemOfLeader(core, message) ?? problemOfEntries(message);
    case "AppendEntriesReply":
      return problemOfReply(core, message);
    case "Heartbeat":
      return problemOfLeader(core, message) ?? problemOfNumbers(message.commitIndex, message.round);
    case "AdvanceCommit":
      return problemOfLeader(core, message) ?? problemOfNumbers(message.commitIndex);
    case "HeartbeatReply":
      return problemOfNumbers(message.round) ?? problemOfRound(core, leading, message);
    case "InstallSnapshot":
      return problemOfLeader(core, message) ?? problemOfSnapshot(message);
    case "ReadIndexRequest":
      return problemOfNumbers(message.request);
    case "ReadIndexReply":
      return (
        problemOfLeader(core, message) ??
        problemOfNumbers(message.request, message.index, message.commitIndex)
      );
    default:
      return assertNever(message);
  }
}

/** A ballot has one leader (Raft §5.2, Election Safety). */
function problemOfLeader(core: RaftCore, { ballot, from }: RaftMessage): string | undefined {
  if (ballot !== core.ballot || core.leader === undefined || core.leader === from) return undefined;
  return `replica ${from} leads ballot ${ballot}, and so does ${core.leader}`;
}

function problemOfEntries(message: AppendEntries): string | undefined {
  const { previousIndex, previousBallot, commitIndex, entries, ballot } = message;
  const problem = problemOfNumbers(previousIndex, previousBallot, commitIndex);
  if (problem !== undefined) return problem;
  if (previousBallot > ballot) return `an entry of ballot ${previousBallot} in ballot ${ballot}`;
  let last: LogPosition = { index: previousIndex, ballot: previousBallot };
  for (const entry of entries) {
    if (entry.index !== last.index + 1) return `entry ${entry.index} behind ${last.index}`;
    if (!isCount(entry.ballot) || entry.ballot < last.ballot || entry.ballot > ballot)
      return `entry ${entry.index} of ballot ${entry.ballot}`;
    last = entry;
    if (entry.kind === "membership" && !isMembership(entry)) return `entry ${entry.index} is no membership`;
  }
  return undefined;
}

function problemOfReply(core: RaftCore, reply: AppendEntriesReply): string | undefined {
  if (reply.outcome === "rejected")
    return problemOfNumbers(reply.rejectedIndex, reply.hintIndex, reply.hintBallot);
  const isMine = core.role === "leader" && reply.ballot === core.ballot;
  if (isMine && reply.matchIndex > core.log.lastIndex)
    return `entry ${reply.matchIndex} acknowledged, ${core.log.lastIndex} is the last`;
  return problemOfNumbers(reply.matchIndex);
}

function problemOfRound(
  { ballot }: RaftCore,
  leading: Leading | undefined,
  reply: HeartbeatReply,
): string | undefined {
  if (leading === undefined || reply.ballot !== ballot || reply.round <= leading.round) return undefined;
  return `round ${reply.round} answered, ${leading.round} is the last`;
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

function problemOfSnapshot({ snapshotIndex, snapshotBallot, ballot }: InstallSnapshot): string | undefined {
  if (snapshotBallot > ballot) return `a snapshot of ballot ${snapshotBallot} in ballot ${ballot}`;
  return problemOfNumbers(snapshotIndex, snapshotBallot);
}

function problemOfNumbers(a: number, b = 0, c = 0): string | undefined {
  if (isCount(a) && isCount(b) && isCount(c)) return undefined;
  return `not numbers as they are counted: ${a}, ${b}, ${c}`;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= numberMax;
}
