/**
 * Who belongs to a group, and what a change of it may be. Voters change by joint consensus (Raft §6): while
 * `outgoing` is not empty, whatever needs a quorum needs one of `voters` and one of `outgoing`.
 */

import type { Codec } from "@holdfast/base";
import { branded, DecodeError, decode, encode, list, record, versioned } from "@holdfast/base";
import type { ReplicaId } from "./replica-id.ts";

export interface Membership {
  readonly voters: readonly ReplicaId[];
  /** Voters of the membership before, while a change is joint; empty otherwise. */
  readonly outgoing: readonly ReplicaId[];
  /** They get the log and count for nothing. A voter that becomes a learner is in `outgoing` too until the end. */
  readonly learners: readonly ReplicaId[];
}

/** What a change leads to. */
export interface MembershipTarget {
  readonly voters: readonly ReplicaId[];
  readonly learners: readonly ReplicaId[];
}

export const emptyMembership: Membership = { voters: [], outgoing: [], learners: [] };

/** Voters of a group at the most. */
export const votersMax = 7;

export function isVoter(membership: Membership, id: ReplicaId): boolean {
  return membership.voters.includes(id) || membership.outgoing.includes(id);
}

export function isMember(membership: Membership, id: ReplicaId): boolean {
  return isVoter(membership, id) || membership.learners.includes(id);
}

export function isJoint(membership: Membership): boolean {
  return membership.outgoing.length > 0;
}

/** Everybody that gets the log, each once, in ascending order. */
export function membersOf({ voters, outgoing, learners }: Membership): readonly ReplicaId[] {
  return [...new Set([...voters, ...outgoing, ...learners])].sort((a, b) => a - b);
}

/** The membership that a change begins with; equal voters need no joint phase. Undefined when nothing changes. */
export function enterChange(current: Membership, target: MembershipTarget): Membership | undefined {
  const voters = ascending(target.voters);
  const learners = ascending(target.learners);
  const sameVoters = sameIds(voters, current.voters);
  if (sameVoters && sameIds(learners, current.learners)) return undefined;
  return { voters, outgoing: sameVoters ? [] : current.voters, learners };
}

/** The membership that ends a joint one. */
export function leaveJoint({ voters, learners }: Membership): Membership {
  return { voters, outgoing: [], learners };
}

/** Why a target is no membership, or undefined. An even number of voters tolerates no more than one less (S13). */
export function problemOfTarget({ voters, learners }: MembershipTarget): string | undefined {
  if (voters.length % 2 === 0) return `the number of voters is odd, not ${voters.length}`;
  if (voters.length > votersMax) return `at most ${votersMax} voters, not ${voters.length}`;
  const all = [...voters, ...learners];
  if (all.some((id) => !Number.isSafeInteger(id) || id < 1)) return "replicas are numbered from 1 on";
  if (new Set(all).size !== all.length) return "a replica is named twice";
  return undefined;
}

const idsCodec = list(branded<ReplicaId>());

const membershipCodec: Codec<Membership> = versioned(
  1,
  record({ voters: idsCodec, outgoing: idsCodec, learners: idsCodec }),
);

export function encodeMembership(membership: Membership): Uint8Array {
  return encode(membershipCodec, membership);
}

/** Throws DecodeError for anything that no leader could have written. */
export function decodeMembership(bytes: Uint8Array): Membership {
  const membership = decode(membershipCodec, bytes);
  const { voters, outgoing, learners } = membership;
  for (const ids of [voters, outgoing, learners])
    if (ids.some((id, i) => id < 1 || id <= (ids[i - 1] ?? 0)))
      throw new DecodeError("replicas out of order");
  if (voters.length === 0 || voters.length > votersMax || outgoing.length > votersMax)
    throw new DecodeError("number of voters");
  if (learners.some((id) => voters.includes(id))) throw new DecodeError("a voter that is a learner");
  return membership;
}

function ascending(ids: readonly ReplicaId[]): readonly ReplicaId[] {
  return [...ids].sort((a, b) => a - b);
}

function sameIds(a: readonly ReplicaId[], b: readonly ReplicaId[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}
