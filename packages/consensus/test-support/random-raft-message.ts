/** Raft messages of every kind with any value in any field. */

import type { Random } from "@holdfast/base";
import type { RaftMessage } from "../src/raft/messages.ts";
import type { MessageRange } from "./random-fields.ts";
import { RandomFields } from "./random-fields.ts";

export const messageKinds: readonly RaftMessage["kind"][] = [
  "RequestPreVote",
  "RequestPreVoteReply",
  "RequestVote",
  "RequestVoteReply",
  "AppendEntries",
  "AppendEntriesReply",
  "Heartbeat",
  "HeartbeatReply",
  "AdvanceCommit",
  "InstallSnapshot",
  "TimeoutNow",
  "ReadIndexRequest",
  "ReadIndexReply",
];

export function randomRaftMessage(random: Random, range: MessageRange): RaftMessage {
  const any = new RandomFields(random, range);
  const kind = any.pick(messageKinds);
  const envelope = { from: any.sender(), to: any.receiver(), ballot: any.ballot() };
  switch (kind) {
    case "RequestPreVote":
      return { kind, ...envelope, lastIndex: any.index(), lastBallot: any.ballot() };
    case "RequestVote":
      return { kind, ...envelope, lastIndex: any.index(), lastBallot: any.ballot(), transfer: any.coin() };
    case "RequestPreVoteReply":
    case "RequestVoteReply":
      return { kind, ...envelope, granted: any.coin() };
    case "AppendEntries": {
      const previousIndex = any.index();
      const previousBallot = any.ballot();
      const entries = any.entries(previousIndex, envelope.ballot);
      return { kind, ...envelope, previousIndex, previousBallot, entries, commitIndex: any.index() };
    }
    case "AppendEntriesReply":
      if (any.coin()) return { kind, outcome: "accepted", ...envelope, matchIndex: any.index() };
      return {
        kind,
        outcome: "rejected",
        ...envelope,
        rejectedIndex: any.index(),
        hintIndex: any.index(),
        hintBallot: any.ballot(),
        lost: any.coin(),
      };
    case "Heartbeat":
      return { kind, ...envelope, commitIndex: any.index(), round: any.number() };
    case "HeartbeatReply":
      return { kind, ...envelope, round: any.number() };
    case "AdvanceCommit":
      return { kind, ...envelope, commitIndex: any.index() };
    case "InstallSnapshot":
      return {
        kind,
        ...envelope,
        snapshotIndex: any.index(),
        snapshotBallot: any.ballot(),
        membership: any.membership(),
      };
    case "TimeoutNow":
      return { kind, ...envelope };
    case "ReadIndexRequest":
      return { kind, ...envelope, request: any.number() };
    case "ReadIndexReply":
      return { kind, ...envelope, request: any.number(), index: any.index(), commitIndex: any.index() };
  }
}
