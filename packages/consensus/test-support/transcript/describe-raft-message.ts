import type { AppendEntriesReply, RaftMessage } from "../../src/raft/messages.ts";
import { describeEntries, describeMembership } from "./describe.ts";

/** `RequestVote 1->2 in 3, log ends at 4/2`. */
export function describeRaftMessage(message: RaftMessage): string {
  const { kind, from, to, ballot } = message;
  const rest = describeBody(message);
  return `${kind} ${from}->${to} in ${ballot}${rest === "" ? "" : `, ${rest}`}`;
}

function describeBody(message: RaftMessage): string {
  switch (message.kind) {
    case "RequestPreVote":
      return `log ends at ${message.lastIndex}/${message.lastBallot}`;
    case "RequestVote":
      return `log ends at ${message.lastIndex}/${message.lastBallot}${message.transfer ? ", handed over" : ""}`;
    case "RequestPreVoteReply":
    case "RequestVoteReply":
      return message.granted ? "granted" : "refused";
    case "AppendEntries": {
      const { previousIndex, previousBallot, entries, commitIndex } = message;
      const what = entries.length === 0 ? "nothing" : describeEntries(entries);
      return `behind ${previousIndex}/${previousBallot}: ${what}; committed ${commitIndex}`;
    }
    case "AppendEntriesReply":
      return describeReply(message);
    case "Heartbeat":
      return `committed ${message.commitIndex}, round ${message.round}`;
    case "HeartbeatReply":
      return `round ${message.round}`;
    case "AdvanceCommit":
      return `committed ${message.commitIndex}`;
    case "InstallSnapshot":
      return `at ${message.snapshotIndex}/${message.snapshotBallot} ${describeMembership(message.membership)}`;
    case "TimeoutNow":
      return "";
    case "ReadIndexRequest":
      return `request ${message.request}`;
    case "ReadIndexReply":
      return `request ${message.request}: index ${message.index}; committed ${message.commitIndex}`;
  }
}

function describeReply(reply: AppendEntriesReply): string {
  if (reply.outcome === "accepted") return `matches up to ${reply.matchIndex}`;
  const { rejectedIndex, hintIndex, hintBallot, lost } = reply;
  return `does not fit behind ${rejectedIndex}, maybe behind ${hintIndex}/${hintBallot}${lost ? ", entries lost" : ""}`;
}
