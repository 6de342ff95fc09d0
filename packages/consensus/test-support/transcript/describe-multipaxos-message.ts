import type { MultiPaxosHardState } from "../../src/multipaxos/hard-state.ts";
import type { AcceptedSlot, Holdings, MultiPaxosMessage } from "../../src/multipaxos/messages.ts";
import { describeEntries, describeEntry, describeMembership } from "./describe.ts";

/** `Prepare 1->2 in 1000001, from slot 1 on, holds 0`. */
export function describeMultiPaxosMessage(message: MultiPaxosMessage): string {
  const { kind, from, to, ballot } = message;
  const rest = describeBody(message);
  return `${kind} ${from}->${to} in ${ballot}${rest === "" ? "" : `, ${rest}`}`;
}

export function describeMultiPaxosHardState({
  promised,
  acceptances,
  chosenIndex,
}: MultiPaxosHardState): string {
  const steps = acceptances.map(({ through, ballot }) => `, up to ${through} accepted in ${ballot}`);
  return `promised ${promised}, chosen ${chosenIndex}${steps.join("")}`;
}

function describeBody(message: MultiPaxosMessage): string {
  switch (message.kind) {
    case "Canvass":
      return describeHoldings(message);
    case "CanvassReply":
      return message.granted ? "granted" : "refused";
    case "Prepare": {
      const { first, transfer } = message;
      return `from slot ${first} on, ${describeHoldings(message)}${transfer ? ", handed over" : ""}`;
    }
    case "Promise": {
      const { slots, commitIndex, lastIndex } = message;
      const told = slots.length === 0 ? "nothing" : slots.map(describeSlot).join(", ");
      return `${told}; chosen ${commitIndex}, last ${lastIndex}`;
    }
    case "Accept": {
      const { previousIndex, entries, commitIndex } = message;
      return `behind ${previousIndex}: ${describeEntries(entries) || "nothing"}; chosen ${commitIndex}`;
    }
    case "Accepted":
      return `up to ${message.matchIndex}`;
    case "Missing":
      return `has ${message.acceptedIndex}, not ${message.previousIndex}${message.lost ? ", slots lost" : ""}`;
    case "Heartbeat":
      return `chosen ${message.commitIndex}, round ${message.round}`;
    case "HeartbeatReply":
      return `round ${message.round}${message.suspect ? ", suspect" : ""}`;
    case "Decide":
      return `chosen ${message.commitIndex}`;
    case "Learn":
      return describeEntries(message.entries) || "nothing";
    case "InstallSnapshot":
      return `at ${message.snapshotIndex}/${message.snapshotBallot} ${describeMembership(message.membership)}`;
    case "Preempted":
    case "TakeOver":
    case "Resign":
      return "";
    case "ReadIndexRequest":
      return `request ${message.request}`;
    case "ReadIndexReply":
      return `request ${message.request}: index ${message.index}; chosen ${message.commitIndex}`;
  }
}

/** `holds 4, up to 6 in 1000001`. */
function describeHoldings({ commitIndex, heldIndex, heldBallot }: Holdings): string {
  return heldIndex > commitIndex
    ? `holds ${commitIndex}, up to ${heldIndex} in ${heldBallot}`
    : `holds ${commitIndex}`;
}

/** An entry, and in which ballot it was last accepted if that is another than its own. */
function describeSlot({ entry, acceptedIn }: AcceptedSlot): string {
  return acceptedIn === entry.ballot
    ? describeEntry(entry)
    : `${describeEntry(entry)} accepted in ${acceptedIn}`;
}
