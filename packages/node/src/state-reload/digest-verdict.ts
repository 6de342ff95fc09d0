/**
 * Whose state is wrong, of replicas that applied the same entries (S12): the one that the majority of the voters differs from, in one
 * digest that they share. Each replica asks for its own part; nobody is judged by one other alone.
 */

import type { LogIndex, NodeId } from "@holdfast/base";
import type { DigestAt } from "./state-wire.ts";

export interface VoterDigests {
  readonly node: NodeId;
  readonly digests: readonly DigestAt[];
}

export type DigestVerdict =
  /** With as many as it takes, or with all that were at one of its indexes; or there were none. */
  | { readonly kind: "together" }
  | { readonly kind: "outvoted"; readonly index: LogIndex; readonly by: readonly NodeId[] }
  /** Somebody's state is wrong, and no majority says whose. */
  | { readonly kind: "apart"; readonly index: LogIndex; readonly from: readonly NodeId[] };

/** `own`: in order; `others`: of voters but this one; `voters`: how many there are, this one included if it is one. */
export function digestVerdict(
  own: readonly DigestAt[],
  others: readonly VoterDigests[],
  { voters, isVoter }: { readonly voters: number; readonly isVoter: boolean },
): DigestVerdict {
  const majority = Math.floor(voters / 2) + 1;
  let verdict: DigestVerdict = { kind: "together" };
  for (const { index, digest } of own.toReversed()) {
    const there = others.flatMap(({ node, digests }) =>
      digests.filter((each) => each.index === index).map((each) => ({ node, name: nameOf(each) })),
    );
    const name = nameOf({ index, digest });
    const agreeing = there.filter((each) => each.name === name).length + (isVoter ? 1 : 0);
    const against = there.filter((each) => each.name !== name);
    if (there.length > 0 && against.length === 0) return verdict;
    if (agreeing >= majority) return { kind: "together" };
    for (const other of against) {
      const by = against.filter((each) => each.name === other.name).map(({ node }) => node);
      if (by.length >= Math.max(2, majority)) return { kind: "outvoted", index, by };
    }
    // An earlier index may say more: others may not have been at this one.
    if (against.length > 0 && verdict.kind === "together")
      verdict = { kind: "apart", index, from: against.map(({ node }) => node) };
  }
  return verdict;
}

function nameOf({ digest: { low, high } }: DigestAt): string {
  return `${high}.${low}`;
}
