/** What the contract's values look like in a transcript. */

import { utf8Text } from "@holdfast/base";
import type { ConsensusStatus, FollowerStatus } from "../../src/contract/consensus.ts";
import type { Entry, LogPosition } from "../../src/contract/entry.ts";
import type { Membership } from "../../src/contract/membership.ts";
import { decodeMembership } from "../../src/contract/membership.ts";
import type { Refusal } from "../../src/contract/refusal.ts";

const payloadLettersMax = 12;

export function describePosition({ index, ballot }: LogPosition): string {
  return `${index}/${ballot}`;
}

/** `3/1 "x"`: index 3, ballot 1. */
export function describeEntry(entry: Entry): string {
  const place = describePosition(entry);
  switch (entry.kind) {
    case "empty":
      return `${place} empty`;
    case "membership":
      return `${place} ${describeMembership(decodeMembership(entry.payload))}`;
    case "command":
      return `${place} ${describePayload(entry.payload)}`;
  }
}

export function describeEntries(entries: readonly Entry[]): string {
  return entries.map(describeEntry).join(", ");
}

export function describeMembership({ voters, outgoing, learners }: Membership): string {
  const parts = [`voters ${voters.join(" ") || "none"}`];
  if (outgoing.length > 0) parts.push(`outgoing ${outgoing.join(" ")}`);
  if (learners.length > 0) parts.push(`learners ${learners.join(" ")}`);
  return `{${parts.join("; ")}}`;
}

export function describeRefusal(refusal: Refusal): string {
  switch (refusal.kind) {
    case "not-leader":
      return `not the leader, that is ${refusal.leader ?? "unknown"}`;
    case "overloaded":
      return "overloaded";
    case "transferring":
      return `leadership goes to ${refusal.to}`;
    case "change-in-progress":
      return "a change is in progress";
    case "invalid-change":
      return `invalid change: ${refusal.problem}`;
  }
}

export function describeStatus(status: ConsensusStatus): string {
  const { role, ballot, leader, commitIndex, appliedIndex, durableIndex, lastIndex, membership } = status;
  const who = `${role} in ballot ${ballot}, leader ${leader ?? "unknown"}`;
  const log = `committed ${commitIndex}, applied ${appliedIndex}, durable ${durableIndex}, last ${lastIndex}`;
  return `${who}; ${log}; ${describeMembership(membership)}${status.suspect ? "; suspect" : ""}`;
}

export function describeFollower({
  id,
  mode,
  matchIndex,
  nextIndex,
  recentlyActive,
}: FollowerStatus): string {
  return `  ${id}: ${mode}, match ${matchIndex}, next ${nextIndex}${recentlyActive ? "" : ", silent"}`;
}

function describePayload(payload: Uint8Array): string {
  const text = utf8Text(payload);
  if (text.length <= payloadLettersMax) return `"${text}"`;
  return `"${text.slice(0, 1)}..." of ${text.length} bytes`;
}
