/**
 * What is wrong with a message, judged by what any replica knows: form, order, bounds. Messages come from the network;
 * one that no correct replica could have sent is refused here, before anything is changed, and never trips an assertion.
 */

import { assertNever } from "@holdfast/base";
import { problemOfEntry, problemOfEnvelope, problemOfNumbers } from "../contract/message-numbers.ts";
import type { InstallSnapshot } from "../replica/snapshot-message.ts";
import type { Leading } from "./leading.ts";
import type { AppendEntries, AppendEntriesReply, HeartbeatReply, RaftMessage } from "./messages.ts";
import type { RaftCore } from "./raft-core.ts";

/** `leading` if the replica leads. */
export function problemOf(
  core: RaftCore,
  leading: Leading | undefined,
  message: RaftMessage,
): string | undefined {
  // A term begins with somebody who stands in it.
  if (message.ballot === 0) return "ballot 0";
  return problemOfEnvelope(core.id, message) ?? problemOfBody(core, leading, message);
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
  let place = previousIndex + 1;
  let ballotMin = previousBallot;
  for (const entry of entries) {
    const wrong = problemOfEntry(entry, place, ballot);
    if (wrong !== undefined) return wrong;
    if (entry.ballot < ballotMin) return `entry ${entry.index} of ballot ${entry.ballot} behind ${ballotMin}`;
    ballotMin = entry.ballot;
    place++;
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

function problemOfSnapshot({ snapshotIndex, snapshotBallot, ballot }: InstallSnapshot): string | undefined {
  if (snapshotBallot > ballot) return `a snapshot of ballot ${snapshotBallot} in ballot ${ballot}`;
  return problemOfNumbers(snapshotIndex, snapshotBallot);
}
