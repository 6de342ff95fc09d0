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
  const draw = new RandomFields(random, range);
  const kind = draw.pick(messageKinds);
  const envelope = { from: draw.sender(), to: draw.receiver(), ballot: draw.ballot() };
  switch (kind) {
    case "RequestPreVote":
      return { kind, ...envelope, lastIndex: draw.index(), lastBallot: draw.ballot() };
    case "RequestVote":
      return { kind, ...envelope, lastIndex: draw.index(), lastBallot: draw.ballot(), transfer: draw.coin() };
    case "RequestPreVoteReply":
    case "RequestVoteReply":
      return { kind, ...envelope, granted: draw.coin() };
    case "AppendEntries": {
      const previousIndex = draw.index();
      const previousBallot = draw.ballot();
      const entries = draw.entries(previousIndex, envelope.ballot);
      return { kind, ...envelope, previousIndex, previousBallot, entries, commitIndex: draw.index() };
    }
    case "AppendEntriesReply":
      if (draw.coin()) return { kind, outcome: "accepted", ...envelope, matchIndex: draw.index() };
      return {
        kind,
        outcome: "rejected",
        ...envelope,
        rejectedIndex: draw.index(),
        hintIndex: draw.index(),
        hintBallot: draw.ballot(),
        lost: draw.coin(),
      };
    case "Heartbeat":
      return { kind, ...envelope, commitIndex: draw.index(), round: draw.number() };
    case "HeartbeatReply":
      return { kind, ...envelope, round: draw.number() };
    case "AdvanceCommit":
      return { kind, ...envelope, commitIndex: draw.index() };
    case "InstallSnapshot":
      return {
        kind,
        ...envelope,
        snapshotIndex: draw.index(),
        snapshotBallot: draw.ballot(),
        membership: draw.membership(),
      };
    case "TimeoutNow":
      return { kind, ...envelope };
    case "ReadIndexRequest":
      return { kind, ...envelope, request: draw.number() };
    case "ReadIndexReply":
      return { kind, ...envelope, request: draw.number(), index: draw.index(), commitIndex: draw.index() };
  }
}
