/** Phase 1 against a plain model: promises of random acceptors, in parts, in any order, some lost and some twice. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "@holdfast/base";
import { seededRandom, uniform } from "@holdfast/base";
import { command } from "../../test-support/entries.ts";
import { MultiPaxosBench } from "../../test-support/multipaxos-bench.ts";
import { accepted, ballotOf, canvassReply, promise } from "../../test-support/multipaxos-message.ts";
import type { Entry } from "../contract/entry.ts";
import type { MultiPaxosMessage, Prepare } from "./messages.ts";

const own = ballotOf(99, 1);

interface Slot {
  readonly entry: Entry;
  readonly acceptedIn: number;
}

/** By slot, from 1 on. */
type Accepted = readonly Slot[];

/** Values of several ballots, accepted then or later: the same index and ballot is the same value everywhere. */
function randomAccepted(random: Random): Accepted {
  return Array.from({ length: uniform(random, 7) }, (_, i) => {
    const round = 1 + uniform(random, 8);
    const of = ballotOf(round, 2 + uniform(random, 3));
    const later = uniform(random, 3) === 0 ? ballotOf(round + 1 + uniform(random, 5), 2) : of;
    return { entry: command(i + 1, of), acceptedIn: later };
  });
}

/** In each slot the value of the highest ballot that any of them accepted it in; one of them may be undefined there. */
function expectedValues(all: readonly Accepted[]): readonly number[] {
  const length = Math.max(...all.map((accepted) => accepted.length));
  return Array.from({ length }, (_, i) => {
    const told = all.flatMap((accepted) => accepted[i] ?? []);
    const best = Math.max(...told.map(({ acceptedIn }) => acceptedIn));
    return told.find(({ acceptedIn }) => acceptedIn === best)?.entry.ballot ?? 0;
  });
}

/** Two values accepted in one ballot would be of two proposers, which no ballot has. */
function isConsistent(all: readonly Accepted[]): boolean {
  const values = new Map<string, number>();
  return all.flat().every(({ entry, acceptedIn }) => {
    const key = `${entry.index} ${acceptedIn}`;
    const known = values.get(key) ?? entry.ballot;
    values.set(key, known);
    return known === entry.ballot;
  });
}

function answer(accepted: Accepted, { to, first }: Prepare, random: Random): MultiPaxosMessage {
  const count = 1 + uniform(random, 3);
  const slots = accepted.slice(first - 1, first - 1 + count);
  return promise(own, {
    from: to,
    lastIndex: accepted.length,
    slots: slots.map(({ entry, acceptedIn }) => [entry, acceptedIn] as const),
  });
}

function prepares(messages: readonly MultiPaxosMessage[]): readonly Prepare[] {
  return messages.filter((message) => message.kind === "Prepare");
}

/** Stands among five, asks 2, 3 and 4 until it leads; a third of what is said is lost, some of it comes twice. */
function prepareAmong(
  mine: Accepted,
  others: ReadonlyMap<number, Accepted>,
  random: Random,
): MultiPaxosBench {
  const bench = new MultiPaxosBench({
    voters: [1, 2, 3, 4, 5],
    entries: mine.map(({ entry }) => entry),
    promised: ballotOf(98, 5),
  });
  bench.core.campaign();
  bench.settle();
  const asked: Prepare[] = [];
  for (const from of [2, 3])
    asked.push(...prepares(bench.step(canvassReply(ballotOf(98, 5), 1, true, { from }))));
  asked.push(...prepares(bench.settle()));
  for (let i = 0; i < 500 && bench.core.status().role !== "leader"; i++) {
    const message = asked.splice(uniform(random, Math.max(1, asked.length)), 1)[0];
    const accepted = message && others.get(message.to);
    if (message === undefined) asked.push(...prepares(bench.tick(1)));
    else if (accepted !== undefined && uniform(random, 3) > 0) {
      const reply = answer(accepted, message, random);
      if (uniform(random, 4) === 0) asked.push(...prepares(bench.step(reply)));
      asked.push(...prepares(bench.step(reply)));
    }
  }
  return bench;
}

test("phase 1: the value with the highest ballot is proposed again in each slot (P2c)", () => {
  let merged = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const random = seededRandom(seed);
    const mine = randomAccepted(random).map(({ entry }) => ({ entry, acceptedIn: entry.ballot }));
    const [second, third] = [randomAccepted(random), randomAccepted(random)];
    if (!isConsistent([mine, second, third])) continue;
    merged++;
    const bench = prepareAmong(
      mine,
      new Map([
        [2, second],
        [3, third],
      ]),
      random,
    );
    assert.deepEqual([bench.core.status().role, bench.core.status().ballot], ["leader", own], `seed ${seed}`);
    bench.settle();
    const expected = expectedValues([mine, second, third]);
    const { lastIndex } = bench.core.status();
    assert.equal(lastIndex, expected.length, `seed ${seed}`);
    for (const from of [2, 3]) if (lastIndex > 0) bench.step(accepted(own, lastIndex, { from }));
    assert.deepEqual(
      bench.applied.map((entry) => Number(entry.ballot)),
      expected,
      `seed ${seed}`,
    );
  }
  assert.ok(merged > 200, `${merged} merged`);
});

test("phase 1: parts of a promise are no promise", () => {
  const bench = new MultiPaxosBench();
  bench.stand(2);
  const of = ballotOf(1, 1);
  const [one, two, three] = [1, 2, 3].map((index) => command(index, 1));
  assert.ok(one && two && three);
  const again = bench.step(promise(of, { lastIndex: 3, slots: [one] }));
  assert.deepEqual(
    prepares(again).map(({ first }) => Number(first)),
    [2],
  );
  // One that was overtaken leaves a gap.
  bench.step(promise(of, { lastIndex: 3, slots: [three] }));
  assert.equal(bench.core.status().role, "candidate");
  bench.step(promise(of, { lastIndex: 3, slots: [two, three] }));
  assert.equal(bench.core.status().role, "leader");
});

test("phase 1: an acceptor that was asked for more than it has needs to tell nothing", () => {
  const bench = new MultiPaxosBench({ log: [1, 1], chosenIndex: 2 });
  bench.stand(2);
  bench.step(promise(ballotOf(1, 1), { lastIndex: 0 }));
  assert.equal(bench.core.status().role, "leader");
});

test("phase 1: what is told as chosen is learned, and need not be proposed again", () => {
  const bench = new MultiPaxosBench();
  bench.stand(2);
  const slots = [command(1, 1), command(2, ballotOf(7, 3)), command(3, 1)];
  bench.step(promise(ballotOf(1, 1), { commitIndex: 2, slots }));
  assert.equal(bench.core.status().commitIndex, 2);
  bench.settle();
  assert.deepEqual(
    bench.applied.map(({ index }) => Number(index)),
    [1, 2],
  );
  assert.equal(bench.core.status().lastIndex, 3);
});

test("phase 1: the promise to itself counts when it is durable", () => {
  const bench = new MultiPaxosBench({ voters: [1] });
  bench.core.campaign();
  bench.pump();
  assert.equal(bench.core.status().role, "candidate");
  bench.endWrite();
  assert.equal(bench.core.status().role, "leader");
});

test("phase 1: learners are asked for nothing, and their promises count for nothing", () => {
  const bench = new MultiPaxosBench({ voters: [1, 2, 3], learners: [4] });
  const asked = prepares(bench.stand(2));
  assert.deepEqual(
    asked.map(({ to }) => Number(to)),
    [2, 3],
  );
  bench.step(promise(ballotOf(1, 1), { from: 4 }));
  assert.equal(bench.core.status().role, "candidate");
});
