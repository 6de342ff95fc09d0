import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "@holdfast/base";
import { chance, seededRandom, uniform } from "@holdfast/base";
import { checkKey } from "./check-key.ts";
import type { Condition, Operation, Value } from "./operation.ts";
import { initialValue, take } from "./register.ts";

const values: readonly Value[] = [null, "a", "b"];

/** Any small history, most of them nonsense. */
function anyHistory(random: Random): readonly Operation[] {
  const count = 1 + uniform(random, 6);
  return Array.from({ length: count }, () => anyOperation(random));
}

function anyOperation(random: Random): Operation {
  const called = uniform(random, 12);
  const call = { client: "c", key: "k", called };
  const returned = called + 1 + uniform(random, 6);
  const value = values[uniform(random, values.length)] ?? null;
  if (chance(random, 0.5)) return { ...call, kind: "read", value, returned };
  const condition = chance(random, 0.5) ? anyCondition(random) : undefined;
  const kind = uniform(random, 4);
  if (kind === 0)
    return {
      ...call,
      kind: "write",
      value,
      condition,
      outcome: "unknown",
      returned: Number.POSITIVE_INFINITY,
    };
  const outcome = kind === 1 && condition !== undefined ? "refused" : "ok";
  return { ...call, kind: "write", value, condition, outcome, returned };
}

function anyCondition(random: Random): Condition {
  const value = values[uniform(random, values.length)] ?? null;
  return chance(random, 0.3) ? { unexpected: value } : { expected: value };
}

/** By definition: tries every order of every subset that leaves out only operations of unknown outcome. */
function isLinearizable(left: readonly Operation[], value: Value): boolean {
  if (left.every((operation) => operation.kind === "write" && operation.outcome === "unknown")) return true;
  return left.some((operation, i) => {
    const others = left.filter((_, j) => j !== i);
    if (others.some(({ returned }) => returned < operation.called)) return false;
    const taken = take(operation, value);
    return taken !== undefined && isLinearizable(others, taken.value);
  });
}

test("check key: agrees with the definition on small histories", () => {
  const random = seededRandom(1);
  const counts = { yes: 0, no: 0 };
  for (let i = 0; i < 20_000; i++) {
    const history = anyHistory(random);
    const expected = isLinearizable(history, initialValue);
    const verdict = checkKey(history, 1_000_000);
    assert.equal(verdict.kind === "linearizable", expected, JSON.stringify(history));
    counts[expected ? "yes" : "no"]++;
  }
  assert.ok(counts.yes > 2000 && counts.no > 2000, JSON.stringify(counts));
});

/** What clients of a real register see: each operation takes effect at a moment between its call and its return. */
function registerHistory(random: Random, count: number, clients: number): Operation[] {
  const pending = Array.from({ length: clients }, () => 0);
  const drafts = Array.from({ length: count }, () => {
    const client = uniform(random, clients);
    const called = (pending[client] ?? 0) + 1 + uniform(random, 5);
    const effect = called + uniform(random, 20);
    const returned = effect + uniform(random, 20);
    pending[client] = returned;
    return { client: `c${client}`, called, effect, returned };
  });
  let value: Value = initialValue;
  return drafts
    .sort((a, b) => a.effect - b.effect)
    .map(({ client, called, returned }, i): Operation => {
      const call = { client, key: "k", called, returned };
      if (chance(random, 0.5)) return { ...call, kind: "read", value };
      const before = value;
      const expected = chance(random, 0.5) ? before : `v${uniform(random, count)}`;
      if (chance(random, 0.5) && expected !== before)
        return { ...call, kind: "write", value: `v${i}`, condition: { expected }, outcome: "refused" };
      value = `v${i}`;
      return { ...call, kind: "write", value, condition: undefined, outcome: "ok" };
    });
}

test("check key: a history of a real register is linearizable, and one changed answer is noticed", () => {
  const random = seededRandom(2);
  let noticed = 0;
  for (let i = 0; i < 30; i++) {
    const history = registerHistory(random, 400, 5);
    assert.equal(checkKey(history, 1_000_000).kind, "linearizable");
    const at = history.findIndex((operation, j) => j > 100 && operation.kind === "read");
    const read = history[at];
    assert.ok(read?.kind === "read");
    history[at] = { ...read, value: "v3" };
    if (read.value !== "v3" && checkKey(history, 1_000_000).kind === "not-linearizable") noticed++;
  }
  assert.ok(noticed >= 29, `${noticed} of 30`);
});

test("check key: among many who lost it is soon clear that no order will do", () => {
  const call = { key: "k", called: 2, returned: 10 };
  const losers = Array.from({ length: 60 }, (_, i): Operation => {
    const condition = i % 2 === 0 ? { expected: "never" } : { expected: null };
    return { ...call, client: `c${i}`, kind: "write", value: `v${i}`, condition, outcome: "refused" };
  });
  const before: Operation = {
    ...call,
    client: "a",
    kind: "write",
    value: "a",
    condition: undefined,
    outcome: "ok",
  };
  const winner: Operation = { ...before, client: "w", value: null, condition: { expected: "a" } };
  const after: Operation = { ...call, client: "r", kind: "read", value: "b", called: 11, returned: 12 };
  const again: Operation = { ...before, client: "b", value: "b", condition: { expected: null } };
  const history = [{ ...before, called: 0, returned: 1 }, winner, ...losers, again, after];
  assert.equal(checkKey(history, 1000).kind, "linearizable");
  assert.equal(checkKey([...history, { ...after, value: "a" }], 1000).kind, "not-linearizable");
});

test("check key: a search that takes too long is given up, not answered", () => {
  const concurrent = Array.from({ length: 30 }, (_, i): Operation => {
    return {
      client: `c${i}`,
      key: "k",
      kind: "write",
      value: `v${i}`,
      condition: undefined,
      outcome: "ok",
      called: 0,
      returned: 10,
    };
  });
  const impossible: Operation = {
    client: "r",
    key: "k",
    kind: "read",
    value: "never",
    called: 11,
    returned: 12,
  };
  assert.equal(checkKey([...concurrent, impossible], 10_000).kind, "undecided");
});
