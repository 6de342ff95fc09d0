/** Multi-Paxos messages of every kind with any value in any field. */

import type { Random } from "@holdfast/base";
import { ballot } from "@holdfast/base";
import type { MultiPaxosMessage } from "../src/multipaxos/messages.ts";
import type { MessageRange } from "./random-fields.ts";
import { RandomFields } from "./random-fields.ts";

export const messageKinds: readonly MultiPaxosMessage["kind"][] = [
  "Canvass",
  "CanvassReply",
  "Prepare",
  "Promise",
  "Accept",
  "Accepted",
  "Missing",
  "Preempted",
  "Heartbeat",
  "HeartbeatReply",
  "Decide",
  "Learn",
  "InstallSnapshot",
  "TakeOver",
  "Resign",
  "ReadIndexRequest",
  "ReadIndexReply",
];

/** Ballots belong to replicas 0 to 9, at most places in the same round or the one before or behind. */
export function randomMultiPaxosMessage(random: Random, range: MessageRange): MultiPaxosMessage {
  const draw = new RandomFields(random, range);
  const kind = draw.pick(messageKinds);
  const from = draw.sender();
  const own = ballot(roundOf(range.ballot) + draw.pick([0, 0, 1_000_000]) + from);
  const envelope = { from, to: draw.receiver(), ballot: draw.coin() ? own : draw.ballot() };
  const holdings = () => ({ commitIndex: draw.index(), heldIndex: draw.index(), heldBallot: draw.ballot() });
  switch (kind) {
    case "Canvass":
      return { kind, ...envelope, canvass: draw.number(), ...holdings() };
    case "CanvassReply":
      return { kind, ...envelope, canvass: draw.number(), granted: draw.coin() };
    case "Prepare":
      return { kind, ...envelope, first: draw.index(), transfer: draw.coin(), ...holdings() };
    case "Promise": {
      const slots = draw.entries(draw.index(), envelope.ballot).map((entry) => {
        const later = range.isWild ? draw.ballot() : ballot(Math.max(entry.ballot, envelope.ballot));
        return { entry, acceptedIn: draw.coin() ? entry.ballot : later };
      });
      const lastIndex = draw.coin() ? (slots.at(-1)?.entry.index ?? draw.index()) : draw.index();
      return { kind, ...envelope, commitIndex: draw.index(), lastIndex, slots };
    }
    case "Accept": {
      const previousIndex = draw.index();
      const entries = draw.entries(previousIndex, envelope.ballot);
      return { kind, ...envelope, previousIndex, entries, commitIndex: draw.index() };
    }
    case "Accepted":
      return { kind, ...envelope, matchIndex: draw.index() };
    case "Missing":
      return {
        kind,
        ...envelope,
        previousIndex: draw.index(),
        acceptedIndex: draw.index(),
        lost: draw.coin(),
      };
    case "Heartbeat":
      return { kind, ...envelope, commitIndex: draw.index(), round: draw.number() };
    case "HeartbeatReply":
      return { kind, ...envelope, round: draw.number(), suspect: draw.coin() };
    case "Decide":
      return { kind, ...envelope, commitIndex: draw.index() };
    case "Learn":
      return { kind, ...envelope, entries: draw.entries(draw.index(), envelope.ballot) };
    case "InstallSnapshot":
      return {
        kind,
        ...envelope,
        snapshotIndex: draw.index(),
        snapshotBallot: draw.ballot(),
        membership: draw.membership(),
      };
    case "Preempted":
    case "TakeOver":
    case "Resign":
      return { kind, ...envelope };
    case "ReadIndexRequest":
      return { kind, ...envelope, request: draw.number() };
    case "ReadIndexReply":
      return { kind, ...envelope, request: draw.number(), index: draw.index(), commitIndex: draw.index() };
  }
}

function roundOf(of: number): number {
  return of - (of % 1_000_000);
}
