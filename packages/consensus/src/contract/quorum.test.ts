/** Quorum arithmetic against its definition, for all memberships of five replicas and all that they may say. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Membership } from "./membership.ts";
import { quorumHolds, quorumValue, voteOutcome } from "./quorum.ts";
import type { ReplicaId } from "./replica-id.ts";
import { replicaId } from "./replica-id.ts";

const replicas = [1, 2, 3, 4, 5].map(replicaId);

function subsets<T>(items: readonly T[]): readonly (readonly T[])[] {
  return items.reduce<readonly (readonly T[])[]>(
    (sets, item) => [...sets, ...sets.map((set) => [...set, item])],
    [[]],
  );
}

/** All memberships: voters from one replica on, outgoing voters or none. */
const memberships: readonly Membership[] = subsets(replicas)
  .filter((voters) => voters.length > 0)
  .flatMap((voters) => subsets(replicas).map((outgoing) => ({ voters, outgoing, learners: [] })));

/** The definition: of every group of voters that counts, more than half are in the set. */
function isQuorum({ voters, outgoing }: Membership, set: readonly ReplicaId[]): boolean {
  return [voters, outgoing]
    .filter((group) => group.length > 0)
    .every((group) => group.filter((id) => set.includes(id)).length > group.length / 2);
}

test("quorum: a set is one exactly if it is a majority of the voters and of the outgoing ones", () => {
  for (const membership of memberships)
    for (const set of subsets(replicas))
      assert.equal(
        quorumHolds(membership, (id) => set.includes(id)),
        isQuorum(membership, set),
      );
});

test("quorum: any two of a membership have a voter in common", () => {
  for (const membership of memberships) {
    const quorums = subsets(replicas).filter((set) => quorumHolds(membership, (id) => set.includes(id)));
    for (const a of quorums) for (const b of quorums) assert.ok(a.some((id) => b.includes(id)));
  }
});

test("quorum: a joint membership has its quorums in common with the ones before and after", () => {
  for (const { voters, outgoing } of memberships) {
    if (outgoing.length === 0) continue;
    for (const set of subsets(replicas)) {
      const holds = (id: ReplicaId): boolean => set.includes(id);
      if (!quorumHolds({ voters, outgoing, learners: [] }, holds)) continue;
      assert.ok(quorumHolds({ voters, outgoing: [], learners: [] }, holds));
      assert.ok(quorumHolds({ voters: outgoing, outgoing: [], learners: [] }, holds));
    }
  }
});

test("quorum: its value is the largest one that a quorum has reached", () => {
  const values = fc.array(fc.nat(6), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(fc.constantFrom(...memberships), values, (membership, reached) => {
      const valueOf = (id: ReplicaId): number => reached[id - 1] ?? 0;
      const definition = [0, ...reached].filter((value) =>
        isQuorum(
          membership,
          replicas.filter((id) => valueOf(id) >= value),
        ),
      );
      assert.equal(quorumValue(membership, valueOf), Math.max(...definition));
    }),
    { numRuns: 20_000, seed: 1 },
  );
});

test("quorum: up to seven voters of either kind have the value of the definition", () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }).map(replicaId), { minLength: 1, maxLength: 7 });
  const outgoing = fc.oneof(fc.constant<ReplicaId[]>([]), ids);
  const values = fc.array(fc.nat(20), { minLength: 9, maxLength: 9 });
  fc.assert(
    fc.property(ids, outgoing, values, (voters, before, reached) => {
      const membership = { voters, outgoing: before, learners: [] };
      const valueOf = (id: ReplicaId): number => reached[id - 1] ?? 0;
      const expected = Math.max(
        ...[0, ...reached].filter((value) => quorumHolds(membership, (id) => valueOf(id) >= value)),
      );
      assert.equal(quorumValue(membership, valueOf), expected);
    }),
    { numRuns: 5_000, seed: 1 },
  );
});

test("quorum: votes are won by a quorum of yes, lost when none can come about, open otherwise", () => {
  const answers = [true, false, undefined];
  for (const membership of memberships.filter((_, i) => i % 7 === 0)) {
    for (let code = 0; code < 3 ** replicas.length; code++) {
      const answerOf = (id: ReplicaId): boolean | undefined => answers[Math.floor(code / 3 ** (id - 1)) % 3];
      const votes = new Map(
        replicas.flatMap((id) => {
          const answer = answerOf(id);
          return answer === undefined ? [] : [[id, answer] as const];
        }),
      );
      const yes = replicas.filter((id) => answerOf(id) === true);
      const notNo = replicas.filter((id) => answerOf(id) !== false);
      const expected = isQuorum(membership, yes) ? "won" : isQuorum(membership, notNo) ? "open" : "lost";
      assert.equal(voteOutcome(membership, votes), expected);
    }
  }
});
