import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError } from "@holdfast/base";
import fc from "fast-check";
import type { Membership } from "./membership.ts";
import {
  decodeMembership,
  encodeMembership,
  enterChange,
  isJoint,
  isMember,
  isVoter,
  leaveJoint,
  membersOf,
  problemOfTarget,
  votersMax,
} from "./membership.ts";
import type { ReplicaId } from "./replica-id.ts";
import { replicaId } from "./replica-id.ts";

const ids = (values: readonly number[]): readonly ReplicaId[] => values.map(replicaId);

/** Voters, outgoing ones and learners of ten replicas; a learner may be an outgoing voter. */
const memberships: fc.Arbitrary<Membership> = fc
  .array(fc.constantFrom("voter", "learner", "outgoing", "both", "leaving", "none"), {
    minLength: 10,
    maxLength: 10,
  })
  .map((parts) => {
    const named = (...wanted: string[]): readonly ReplicaId[] =>
      ids(parts.flatMap((part, i) => (wanted.includes(part) ? [i + 1] : [])));
    return {
      voters: named("voter", "both"),
      outgoing: named("outgoing", "both", "leaving"),
      learners: named("learner", "leaving"),
    };
  })
  .filter(({ voters, outgoing }) => {
    const isPossible = voters.length > 0 && voters.length <= votersMax;
    return isPossible && outgoing.length <= votersMax;
  });

test("membership: what is encoded is decoded again", () => {
  fc.assert(
    fc.property(memberships, (membership) => {
      assert.deepEqual(decodeMembership(encodeMembership(membership)), membership);
    }),
    { seed: 1, numRuns: 1_000 },
  );
});

test("membership: any bytes give a membership or a DecodeError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      try {
        const membership = decodeMembership(bytes);
        assert.deepEqual(encodeMembership(membership), bytes);
      } catch (error) {
        assert.ok(error instanceof DecodeError);
      }
    }),
    { seed: 1, numRuns: 5_000 },
  );
});

for (const [problem, membership] of [
  ["no voters", { voters: [], outgoing: [], learners: [1] }],
  ["eight voters", { voters: [1, 2, 3, 4, 5, 6, 7, 8], outgoing: [], learners: [] }],
  ["eight outgoing voters", { voters: [1], outgoing: [1, 2, 3, 4, 5, 6, 7, 8], learners: [] }],
  ["voters out of order", { voters: [2, 1], outgoing: [], learners: [] }],
  ["a voter twice", { voters: [1, 1], outgoing: [], learners: [] }],
  ["replica 0", { voters: [0], outgoing: [], learners: [] }],
  ["a voter that is a learner", { voters: [1, 2], outgoing: [], learners: [2] }],
] as const)
  test(`membership: one with ${problem} is not decoded`, () => {
    const { voters, outgoing, learners } = membership;
    const bytes = encodeMembership({
      voters: ids(voters),
      outgoing: ids(outgoing),
      learners: ids(learners),
    });
    assert.throws(() => decodeMembership(bytes), DecodeError);
  });

test("membership: members are all that are named, each once, in order", () => {
  const membership = { voters: ids([3, 5]), outgoing: ids([1, 3]), learners: ids([1, 4]) };
  assert.deepEqual(membersOf(membership), [1, 3, 4, 5]);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((id) => [isVoter(membership, replicaId(id)), isMember(membership, replicaId(id))]),
    [
      [true, true],
      [false, false],
      [true, true],
      [false, true],
      [true, true],
    ],
  );
});

test("change: other voters begin a joint membership, which ends at the target", () => {
  fc.assert(
    fc.property(memberships, memberships, (before, target) => {
      const current = leaveJoint(before);
      const next = enterChange(current, target);
      if (next === undefined) return assert.deepEqual(leaveJoint(target), current);
      assert.deepEqual(leaveJoint(next), leaveJoint(target));
      const sameVoters = target.voters.join() === current.voters.join();
      assert.deepEqual(next.outgoing, sameVoters ? [] : current.voters);
      assert.equal(isJoint(next), !sameVoters);
    }),
    { seed: 1, numRuns: 1_000 },
  );
});

test("change: the order in which a target names its replicas does not matter", () => {
  const current = { voters: ids([1, 2, 3]), outgoing: [], learners: [] };
  assert.equal(enterChange(current, { voters: ids([3, 1, 2]), learners: [] }), undefined);
});

test("change: what problemOfTarget lets pass can be encoded and decoded", () => {
  const someIds = fc.array(fc.integer({ min: -1, max: 9 }).map(replicaId), { maxLength: 9 });
  fc.assert(
    fc.property(someIds, someIds, (voters, learners) => {
      if (problemOfTarget({ voters, learners }) !== undefined) return;
      const next = enterChange({ voters: ids([1]), outgoing: [], learners: [] }, { voters, learners });
      if (next !== undefined) assert.deepEqual(decodeMembership(encodeMembership(next)), next);
    }),
    { seed: 1, numRuns: 5_000 },
  );
});
