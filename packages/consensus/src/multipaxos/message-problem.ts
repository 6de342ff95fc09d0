/**
 * What is wrong with a message, judged by what any replica knows: form, order, bounds. One that no correct replica could
 * have sent is refused here, before anything is changed, and never trips an assertion.
 */

import { assertNever } from "@holdfast/base";
import type { Entry } from "../contract/entry.ts";
import { isCount, problemOfEntry, problemOfEnvelope, problemOfNumbers } from "../contract/message-numbers.ts";
import type { InstallSnapshot } from "../replica/snapshot-message.ts";
import { proposerOf } from "./ballots.ts";
import type { Leading } from "./leading.ts";
import type { Holdings, MultiPaxosMessage, Promised } from "./messages.ts";
import type { PaxosCore } from "./paxos-core.ts";

/** `leading` if the replica leads. */
export function problemOf(
  core: PaxosCore,
  leading: Leading | undefined,
  message: MultiPaxosMessage,
): string | undefined {
  return problemOfEnvelope(core.id, message) ?? problemOfBody(core, leading, message);
}

function problemOfBody(
  core: PaxosCore,
  leading: Leading | undefined,
  message: MultiPaxosMessage,
): string | undefined {
  switch (message.kind) {
    case "Canvass":
      return problemOfNumbers(message.canvass) ?? problemOfHoldings(message);
    case "CanvassReply":
      return problemOfNumbers(message.canvass);
    case "Prepare":
      return problemOfProposer(message) ?? problemOfNumbers(message.first) ?? problemOfHoldings(message);
    case "Promise":
      return problemOfPromise(message);
    case "Accept":
      return (
        problemOfProposer(message) ??
        problemOfNumbers(message.previousIndex, message.commitIndex) ??
        problemOfEntries(message.entries, message.previousIndex + 1, message)
      );
    case "Accepted":
      if (
        leading !== undefined &&
        message.ballot === core.ballot &&
        message.matchIndex > leading.sendableIndex
      )
        return `slot ${message.matchIndex} accepted, ${leading.sendableIndex} is the last`;
      return problemOfNumbers(message.matchIndex);
    case "Missing":
      if (message.acceptedIndex >= message.previousIndex && !message.lost)
        return `slot ${message.previousIndex} missing before ${message.acceptedIndex}`;
      return problemOfNumbers(message.previousIndex, message.acceptedIndex);
    case "Heartbeat":
      return problemOfProposer(message) ?? problemOfNumbers(message.commitIndex, message.round);
    case "HeartbeatReply":
      if (leading !== undefined && message.ballot === core.ballot && message.round > leading.round)
        return `round ${message.round} answered, ${leading.round} is the last`;
      return problemOfNumbers(message.round);
    case "Decide":
      return problemOfProposer(message) ?? problemOfNumbers(message.commitIndex);
    case "Learn":
      return problemOfEntries(message.entries, message.entries[0]?.index ?? 1, allChosen);
    case "InstallSnapshot":
      return problemOfSnapshot(message);
    case "TakeOver":
    case "Resign":
      return problemOfProposer(message);
    case "Preempted":
      return undefined;
    case "ReadIndexRequest":
      return problemOfNumbers(message.request);
    case "ReadIndexReply":
      return (
        problemOfProposer(message) ?? problemOfNumbers(message.request, message.index, message.commitIndex)
      );
    default:
      return assertNever(message);
  }
}

/** A ballot belongs to one replica. */
function problemOfProposer({ ballot, from }: MultiPaxosMessage): string | undefined {
  return proposerOf(ballot) === from ? undefined : `replica ${from} proposes in ballot ${ballot}`;
}

function problemOfHoldings({ commitIndex, heldIndex, heldBallot }: Holdings): string | undefined {
  return problemOfNumbers(commitIndex, heldIndex, heldBallot);
}

function problemOfPromise({ ballot, commitIndex, lastIndex, slots }: Promised): string | undefined {
  const problem = problemOfNumbers(commitIndex, lastIndex);
  if (problem !== undefined) return problem;
  if (commitIndex > lastIndex) return `slot ${commitIndex} chosen, ${lastIndex} is the last`;
  const first = slots[0]?.entry.index ?? 1;
  if (slots.length > 0 && first + slots.length - 1 > lastIndex) return `slots behind ${lastIndex}`;
  for (const [i, { entry, acceptedIn }] of slots.entries()) {
    const highest = highestBallot(entry, { ballot, commitIndex });
    if (!isCount(acceptedIn) || acceptedIn < entry.ballot || acceptedIn > highest)
      return `slot ${entry.index} accepted in ballot ${acceptedIn}`;
    const wrong = problemOfEntry(entry, first + i, highest);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

interface Knowledge {
  readonly ballot: number;
  readonly commitIndex: number;
}

const allChosen: Knowledge = { ballot: Number.POSITIVE_INFINITY, commitIndex: 0 };

/** What is chosen may be of a later ballot than its sender's: it was learned. */
function highestBallot({ index }: Entry, { ballot, commitIndex }: Knowledge): number {
  return index <= commitIndex ? Number.POSITIVE_INFINITY : ballot;
}

function problemOfEntries(
  entries: readonly Entry[],
  first: number,
  knowledge: Knowledge,
): string | undefined {
  if (!isCount(first)) return `entries from ${first} on`;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    if (entry === undefined) continue;
    const problem = problemOfEntry(entry, first + i, highestBallot(entry, knowledge));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOfSnapshot({ snapshotIndex, snapshotBallot }: InstallSnapshot): string | undefined {
  return problemOfNumbers(snapshotIndex, snapshotBallot);
}
