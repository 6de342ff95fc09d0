import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { logIndex, nodeId } from "@holdfast/base";
import type { VoterDigests } from "./digest-verdict.ts";
import { digestVerdict } from "./digest-verdict.ts";
import type { DigestAt } from "./state-wire.ts";

const [b, c, d, e] = ["b", "c", "d", "e"].map((name) => nodeId(name.repeat(16)));

/** Indexes, and what the digest was there. */
function at(digests: Readonly<Record<number, number>>): readonly DigestAt[] {
  return Object.entries(digests).map(([index, low]) => ({
    index: logIndex(Number(index)),
    digest: { low, high: 0 },
  }));
}

function by(node: typeof b, digests: Readonly<Record<number, number>>): VoterDigests {
  assert.ok(node !== undefined);
  return { node, digests: at(digests) };
}

const three = { voters: 3, isVoter: true };

suite("digest verdict (S12)", () => {
  test("replicas that agree, or have no index in common, are together", () => {
    assert.deepEqual(digestVerdict(at({ 5: 1 }), [by(b, { 5: 1 }), by(c, { 5: 1 })], three), {
      kind: "together",
    });
    assert.deepEqual(digestVerdict(at({ 5: 1 }), [by(b, { 6: 2 }), by(c, {})], three), { kind: "together" });
    assert.deepEqual(digestVerdict(at({ 5: 1 }), [], three), { kind: "together" });
  });

  test("the one of three that differs from both others is outvoted; each of them is with a majority", () => {
    const others = [by(b, { 5: 2 }), by(c, { 5: 2 })];
    assert.deepEqual(digestVerdict(at({ 5: 1 }), others, three), { kind: "outvoted", index: 5, by: [b, c] });
    assert.deepEqual(digestVerdict(at({ 5: 2 }), [by(b, { 5: 1 }), by(c, { 5: 2 })], three), {
      kind: "together",
    });
  });

  test("without a majority nobody is outvoted: two of three that are heard, three that all differ, two and two of five", () => {
    assert.deepEqual(digestVerdict(at({ 5: 1 }), [by(b, { 5: 2 })], three), {
      kind: "apart",
      index: 5,
      from: [b],
    });
    const all = digestVerdict(at({ 5: 1 }), [by(b, { 5: 2 }), by(c, { 5: 3 })], three);
    assert.deepEqual(all, { kind: "apart", index: 5, from: [b, c] });
    const five = { voters: 5, isVoter: true };
    const halves = [by(b, { 5: 1 }), by(c, { 5: 2 }), by(d, { 5: 2 })];
    assert.equal(digestVerdict(at({ 5: 1 }), halves, five).kind, "apart");
    assert.equal(digestVerdict(at({ 5: 1 }), [...halves, by(e, { 5: 2 })], five).kind, "outvoted");
  });

  test("the only voter outvotes nobody, two of three voters outvote a learner", () => {
    assert.equal(digestVerdict(at({ 5: 1 }), [by(b, { 5: 2 })], { voters: 1, isVoter: false }).kind, "apart");
    const others = [by(b, { 5: 2 }), by(c, { 5: 2 }), by(d, { 6: 9 })];
    assert.equal(digestVerdict(at({ 5: 1 }), others, { voters: 3, isVoter: false }).kind, "outvoted");
  });

  test("an earlier index decides where the later one is not shared by enough; agreement at a later one ends an earlier quarrel", () => {
    const others = [by(b, { 4: 2, 5: 2 }), by(c, { 4: 2, 6: 2 })];
    assert.deepEqual(digestVerdict(at({ 4: 1, 5: 1 }), others, three), {
      kind: "outvoted",
      index: 4,
      by: [b, c],
    });
    const healed = [by(b, { 4: 2, 5: 7 }), by(c, { 4: 2, 5: 7 })];
    assert.deepEqual(digestVerdict(at({ 4: 1, 5: 7 }), healed, three), { kind: "together" });
  });
});
