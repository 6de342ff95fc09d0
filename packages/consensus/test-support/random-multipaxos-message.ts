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
  const any = new RandomFields(random, range);
  const kind = any.pick(messageKinds);
  const from = any.sender();
  const own = ballot(roundOf(range.ballot) + any.pick([0, 0, 1_000_000]) + from);
  const envelope = { from, to: any.receiver(), ballot: any.coin() ? own : any.ballot() };
  const holdings = () => ({ commitIndex: any.index(), heldIndex: any.index(), heldBallot: any.ballot() });
  switch (kind) {
    case "Canvass":
      return { kind, ...envelope, canvass: any.number(), ...holdings() };
    case "CanvassReply":
      return { kind, ...envelope, canvass: any.number(), granted: any.coin() };
    case "Prepare":
      return { kind, ...envelope, first: any.index(), transfer: any.coin(), ...holdings() };
    case "Promise": {
      const slots = any.entries(any.index(), envelope.ballot).map((entry) => {
        const later = range.isWild ? any.ballot() : ballot(Math.max(entry.ballot, envelope.ballot));
        return { entry, acceptedIn: any.coin() ? entry.ballot : later };
      });
      const lastIndex = any.coin() ? (slots.at(-1)?.entry.index ?? any.index()) : any.index();
      return { kind, ...envelope, commitIndex: any.index(), lastIndex, slots };
    }
    case "Accept": {
      const previousIndex = any.index();
      const entries = any.entries(previousIndex, envelope.ballot);
      return { kind, ...envelope, previousIndex, entries, commitIndex: any.index() };
    }
    case "Accepted":
      return { kind, ...envelope, matchIndex: any.index() };
    case "Missing":
      return {
        kind,
        ...envelope,
        previousIndex: any.index(),
        acceptedIndex: any.index(),
        lost: any.coin(),
      };
    case "Heartbeat":
      return { kind, ...envelope, commitIndex: any.index(), round: any.number() };
    case "HeartbeatReply":
      return { kind, ...envelope, round: any.number(), suspect: any.coin() };
    case "Decide":
      return { kind, ...envelope, commitIndex: any.index() };
    case "Learn":
      return { kind, ...envelope, entries: any.entries(any.index(), envelope.ballot) };
    case "InstallSnapshot":
      return {
        kind,
        ...envelope,
        snapshotIndex: any.index(),
        snapshotBallot: any.ballot(),
        membership: any.membership(),
      };
    case "Preempted":
    case "TakeOver":
    case "Resign":
      return { kind, ...envelope };
    case "ReadIndexRequest":
      return { kind, ...envelope, request: any.number() };
    case "ReadIndexReply":
      return { kind, ...envelope, request: any.number(), index: any.index(), commitIndex: any.index() };
  }
}

function roundOf(of: number): number {
  return of - (of % 1_000_000);
}
