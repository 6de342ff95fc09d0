/** One test for each rule on acceptors: Lamport, "Paxos Made Simple" (2001), §2.2 (P1a), §2.3, §2.4, §3. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { command } from "../../../test-support/entries.ts";
import type { MultiPaxosBenchOptions } from "../../../test-support/multipaxos-bench.ts";
import { MultiPaxosBench } from "../../../test-support/multipaxos-bench.ts";
import {
  accept,
  ballotOf,
  canvass,
  decide,
  heartbeat,
  installSnapshot,
  learn,
  prepare,
} from "../../../test-support/multipaxos-message.ts";
import type { MultiPaxosMessage, Promised } from "../messages.ts";

const low = ballotOf(1, 3);
const mid = ballotOf(2, 2);
const high = ballotOf(3, 3);

function promiseOf(messages: readonly MultiPaxosMessage[]): Promised | undefined {
  return messages.find((message) => message.kind === "Promise");
}

function answers(messages: readonly MultiPaxosMessage[]): readonly string[] {
  return messages.map(({ kind, to, ballot }) => `${kind} ${to} in ${ballot}`);
}

/** Once everything is durable, it is another process. */
function restarted(bench: MultiPaxosBench, options: MultiPaxosBenchOptions): MultiPaxosBench {
  bench.settle();
  const { promised, acceptances, chosenIndex } = bench.durable;
  return new MultiPaxosBench({ ...options, promised, acceptances, chosenIndex });
}

test("P1a: an acceptor promises a ballot above all that it has promised", () => {
  const bench = new MultiPaxosBench({ promised: low });
  assert.deepEqual(bench.step(prepare(mid)), []);
  assert.deepEqual(answers(bench.settle()), [`Promise 2 in ${mid}`]);
});

test("P1a: an acceptor that has promised a ballot helps none below it, and says which one", () => {
  const bench = new MultiPaxosBench({ promised: high });
  for (const message of [
    prepare(mid),
    accept(mid, { entries: [command(1, mid)] }),
    heartbeat(mid),
    decide(mid, 0),
  ])
    assert.deepEqual(answers(bench.step(message)), [`Preempted 2 in ${high}`]);
  assert.equal(bench.core.status().lastIndex, 0);
});

test("§2.2: an acceptor may accept in the ballot that it has promised, and in a higher one without being asked first", () => {
  for (const number of [mid, ballotOf(9, 2)]) {
    const bench = new MultiPaxosBench({ promised: mid });
    bench.step(accept(number, { entries: [command(1, number)] }));
    assert.deepEqual(answers(bench.settle()), [`Accepted 2 in ${number}`]);
    assert.equal(bench.durable.promised, number);
  }
});

test("§2.3: a promise leaves when it is durable, not before", () => {
  const bench = new MultiPaxosBench();
  assert.deepEqual(bench.step(prepare(mid)), []);
  assert.equal(bench.core.status().ballot, mid);
  assert.deepEqual(answers(bench.endWrite()), [`Promise 2 in ${mid}`]);
  assert.equal(bench.durable.promised, mid);
});

test("§2.3: an acceptance leaves when it is durable, not before", () => {
  const bench = new MultiPaxosBench({ promised: mid });
  const message = accept(mid, { entries: [command(1, mid)] });
  assert.deepEqual(bench.step(message), []);
  // Again, while the first write is under way.
  assert.deepEqual(bench.step(message), []);
  assert.deepEqual(answers(bench.endWrite()), [`Accepted 2 in ${mid}`]);
});

test("§2.3: a promise tells every slot that was accepted, and in which ballot", () => {
  const bench = new MultiPaxosBench({ log: [low, low, mid], promised: mid });
  bench.step(prepare(high));
  const told = promiseOf(bench.settle());
  assert.deepEqual(
    told?.slots.map(({ entry, acceptedIn }) => [entry.index, entry.ballot, acceptedIn]),
    [
      [1, low, low],
      [2, low, low],
      [3, mid, mid],
    ],
  );
});

test("§2.3: a value that is accepted again is told with the later ballot, after a restart too", () => {
  const log = [low, low];
  const bench = new MultiPaxosBench({ log });
  bench.step(accept(mid, { entries: [command(1, low)] }));
  const again = restarted(bench, { log });
  again.step(prepare(high));
  const told = promiseOf(again.settle());
  assert.deepEqual(
    told?.slots.map(({ entry, acceptedIn }) => [entry.ballot, acceptedIn]),
    [
      [low, mid],
      [low, low],
    ],
  );
});

test("§2.3: an acceptor remembers what it has promised when it begins again", () => {
  const bench = new MultiPaxosBench();
  bench.step(prepare(mid));
  const again = restarted(bench, {});
  assert.deepEqual(answers(again.step(prepare(ballotOf(1, 2)))), [`Preempted 2 in ${mid}`]);
});

test("§3: a promise answers for all slots from the one asked for on", () => {
  const bench = new MultiPaxosBench({ log: [low, low, low, low] });
  bench.step(prepare(mid, { first: 3 }));
  assert.deepEqual(
    promiseOf(bench.settle())?.slots.map(({ entry }) => entry.index),
    [3, 4],
  );
});

test("§3: a promise that is longer than a message comes in parts, each asked for", () => {
  const bench = new MultiPaxosBench({ log: [low, low, low], limits: { messageBytesMax: 150 } });
  bench.step(prepare(mid, { first: 1 }));
  const first = promiseOf(bench.settle());
  // The promise is durable: the second part needs no write.
  const second = promiseOf(bench.step(prepare(mid, { first: 3 })));
  const told = [first, second].map((part) => part?.slots.map(({ entry }) => Number(entry.index)));
  assert.deepEqual(told, [[1, 2], [3]]);
  assert.deepEqual([first?.lastIndex, second?.lastIndex], [3, 3]);
});

test("§3: slots are accepted in order: one whose predecessor is missing is not, and its proposer is told", () => {
  const bench = new MultiPaxosBench();
  const said = bench.step(accept(mid, { previous: 2, entries: [command(3, mid)] }));
  const [answer] = said;
  assert.equal(answer?.kind === "Missing" && answer.acceptedIndex, 0);
  assert.equal(bench.core.status().lastIndex, 0);
});

test("§3: what was accepted in an earlier ballot does not count as accepted in this one", () => {
  const bench = new MultiPaxosBench({ log: [low, low] });
  const said = bench.step(accept(mid, { previous: 2, entries: [command(3, mid)] }));
  assert.equal(said[0]?.kind, "Missing");
});

test("a slot's value is replaced in a later ballot, and those behind it stay accepted", () => {
  const bench = new MultiPaxosBench({ log: [low, low, low] });
  bench.step(accept(mid, { entries: [command(1, mid)] }));
  bench.settle();
  bench.step(prepare(high, { transfer: true }));
  const told = promiseOf(bench.settle());
  assert.deepEqual(
    told?.slots.map(({ entry }) => entry.ballot),
    [mid, low, low],
  );
});

test("what is chosen is never replaced", () => {
  const bench = new MultiPaxosBench({ log: [low], chosenIndex: 1 });
  bench.step(accept(mid, { entries: [command(1, mid)] }));
  bench.settle();
  assert.deepEqual(
    bench.applied.map(({ ballot }) => ballot),
    [low],
  );
});

test("what a leader tells as chosen counts as far as it is accepted in its ballot", () => {
  const bench = new MultiPaxosBench({ log: [low, low] });
  bench.step(heartbeat(mid, 2));
  assert.equal(bench.core.status().commitIndex, 0);
  bench.step(accept(mid, { entries: [command(1, low)], commitIndex: 2 }));
  assert.equal(bench.core.status().commitIndex, 1);
});

test("chosen slots are learned in any ballot, from anybody, in order", () => {
  const bench = new MultiPaxosBench({ promised: high });
  bench.step(learn(low, [command(2, low)]));
  assert.equal(bench.core.status().commitIndex, 0);
  bench.step(learn(low, [command(1, low), command(2, low)]));
  assert.equal(bench.core.status().commitIndex, 2);
});

test("slots that were learned are known as chosen after a restart, whatever ballot they are of", () => {
  const bench = new MultiPaxosBench({ promised: mid });
  const slots = [command(1, low), command(2, high)];
  bench.step(learn(high, slots, { from: 3 }));
  const again = restarted(bench, { entries: slots });
  assert.deepEqual([again.core.status().commitIndex, again.core.status().ballot], [2, mid]);
  again.step(heartbeat(high, 2));
  assert.equal(again.core.status().commitIndex, 2);
});

test("a snapshot is chosen in any ballot, and what was accepted behind it stays accepted", () => {
  const bench = new MultiPaxosBench({ log: [low, low, low], promised: high });
  bench.step(installSnapshot(low, [2, low], { from: 3 }));
  bench.settle();
  const { commitIndex, lastIndex, appliedIndex } = bench.core.status();
  assert.deepEqual([commitIndex, appliedIndex, lastIndex], [2, 2, 3]);
});

test("S10: an acceptor that lost what it had accepted promises nobody who may lack it", () => {
  const lost = { index: 3, ballot: mid };
  const granted = (held: Parameters<typeof canvass>[2]) => {
    const bench = new MultiPaxosBench({ log: [low], promised: mid, lost });
    const [reply] = bench.step(canvass(mid, 1, held));
    bench.step(prepare(high, { from: 3, ...held }));
    const promised = promiseOf(bench.settle()) !== undefined;
    assert.equal(reply?.kind === "CanvassReply" && reply.granted, promised);
    return promised;
  };
  assert.equal(granted({}), false);
  assert.equal(granted({ commitIndex: 2 }), false);
  assert.equal(granted({ commitIndex: 2, heldIndex: 3, heldBallot: low }), false);
  assert.equal(granted({ commitIndex: 2, heldIndex: 2, heldBallot: high }), false);
  assert.equal(granted({ commitIndex: 3 }), true);
  assert.equal(granted({ commitIndex: 2, heldIndex: 3, heldBallot: mid }), true);
});

test("S10: an acceptor that lost something is whole again when everything up to there is accepted in this ballot", () => {
  const bench = new MultiPaxosBench({ log: [low], promised: mid, lost: { index: 2, ballot: mid } });
  bench.step(accept(mid, { entries: [command(1, low)] }));
  bench.settle();
  assert.equal(bench.core.status().suspect, true);
  bench.step(accept(mid, { previous: 1, entries: [command(2, mid)] }));
  assert.equal(bench.core.status().suspect, true, "not before it is durable");
  bench.settle();
  assert.equal(bench.core.status().suspect, false);
});

test("S10: an acceptor that lost something never counted is overruled by a value of a later ballot that is chosen", () => {
  const bench = new MultiPaxosBench({ log: [low], promised: mid, lost: { index: 9, ballot: mid } });
  bench.step(accept(high, { entries: [command(1, low), command(2, high)], commitIndex: 1 }));
  bench.settle();
  assert.equal(bench.core.status().suspect, true);
  bench.step(decide(high, 2));
  bench.settle();
  assert.equal(bench.core.status().suspect, false);
});
