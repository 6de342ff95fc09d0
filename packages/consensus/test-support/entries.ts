/** Entries and memberships of tests. */

import { ballot, logIndex, utf8 } from "@holdfast/base";
import type { Entry } from "../src/contract/entry.ts";
import type { Membership } from "../src/contract/membership.ts";
import { encodeMembership } from "../src/contract/membership.ts";
import { replicaId } from "../src/contract/replica-id.ts";

export function command(index: number, of: number, text: string = `${index}-${of}`): Entry {
  return { index: logIndex(index), ballot: ballot(of), kind: "command", payload: utf8(text) };
}

export function membershipEntry(index: number, of: number, value: Membership): Entry {
  return { index: logIndex(index), ballot: ballot(of), kind: "membership", payload: encodeMembership(value) };
}

export function membership(voters: readonly number[], learners: readonly number[] = []): Membership {
  return { voters: voters.map(replicaId), outgoing: [], learners: learners.map(replicaId) };
}
