/**
 * Who may prepare a ballot: a canvass that asks for connectivity (Ng, Haridi and Carbone, EuroSys 2023, §5.2), and a leader
 * that is alive left in peace.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { command } from "../../../test-support/entries.ts";
import { MultiPaxosBench } from "../../../test-support/multipaxos-bench.ts";
import {
  accept,
  ballotOf,
  canvass,
  canvassReply,
  heartbeat,
  prepare,
  promise,
  resign,
  takeOver,
} from "../../../test-support/multipaxos-message.ts";
import type { MultiPaxosMessage } from "../messages.ts";

const theirs = ballotOf(1, 2);

function grants(messages: readonly MultiPaxosMessage[]): readonly boolean[] {
  return messages.flatMap((message) => (message.kind === "CanvassReply" ? [message.granted] : []));
}

test("a replica that hears of no leader for an election timeout asks around, and raises no ballot", () => {
  const bench = new MultiPaxosBench({ promised: theirs });
  const said = bench.tick(20).filter(({ kind }) => kind === "Canvass");
  assert.deepEqual(
    said.map(({ to }) => Number(to)),
    [2, 3],
  );
  assert.deepEqual(bench.status(), ["pre-candidate", theirs, undefined]);
});

test("without a quorum that says yes nobody prepares a ballot, however long it waits", () => {
  const bench = new MultiPaxosBench({ voters: [1, 2, 3, 4, 5] });
  for (let i = 1; i <= 10; i++) {
    bench.tick(20);
    bench.step(canvassReply(0, i, true));
    bench.step(canvassReply(0, i, false, { from: 3 }));
  }
  assert.equal(bench.core.status().ballot, 0);
});

test("an answer to an earlier canvass does not count in this one", () => {
  const bench = new MultiPaxosBench();
  bench.core.campaign();
  bench.core.campaign();
  bench.pump();
  bench.step(canvassReply(0, 1, true));
  assert.equal(bench.core.status().role, "pre-candidate");
  bench.step(canvassReply(0, 2, true));
  assert.equal(bench.core.status().role, "candidate");
});

test("a log that is short is no reason to refuse", () => {
  const bench = new MultiPaxosBench({ log: [theirs, theirs, theirs] });
  assert.deepEqual(grants(bench.step(canvass(0, 1, { from: 3 }))), [true]);
});

test("a leader that was heard of within an election timeout is protected, from canvass and Prepare", () => {
  const bench = new MultiPaxosBench();
  bench.step(heartbeat(theirs));
  bench.tick(9);
  assert.deepEqual(grants(bench.step(canvass(theirs, 1, { from: 3 }))), [false]);
  assert.deepEqual(bench.step(prepare(ballotOf(5, 3))), []);
  assert.deepEqual(bench.status(), ["follower", theirs, 2]);
});

test("after an election timeout without a word it is not", () => {
  const bench = new MultiPaxosBench();
  bench.step(heartbeat(theirs));
  bench.tick(10);
  assert.deepEqual(grants(bench.step(canvass(theirs, 1, { from: 3 }))), [true]);
  bench.step(prepare(ballotOf(5, 3)));
  assert.equal(bench.core.status().ballot, ballotOf(5, 3));
});

test("the leader itself may ask for another ballot", () => {
  const bench = new MultiPaxosBench();
  bench.step(heartbeat(theirs));
  assert.deepEqual(grants(bench.step(canvass(theirs, 1))), [true]);
});

test("whoever was promised is protected while it goes on asking: nobody else is helped", () => {
  const bench = new MultiPaxosBench();
  for (let i = 0; i < 5; i++) {
    bench.step(prepare(theirs));
    bench.tick(9);
  }
  assert.deepEqual(grants(bench.step(canvass(0, 1, { from: 3 }))), [false]);
});

test("proposals show that a leader is alive", () => {
  const bench = new MultiPaxosBench();
  for (let i = 1; i <= 5; i++) {
    bench.step(accept(theirs, { previous: i - 1, entries: [command(i, theirs)] }));
    bench.tick(9);
  }
  assert.deepEqual(bench.status(), ["follower", theirs, 2]);
});

test("whoever the leader hands over to prepares at once, and its Prepare is let through", () => {
  const successor = new MultiPaxosBench();
  successor.step(heartbeat(theirs));
  successor.step(takeOver(theirs));
  const asked = successor.settle().filter((message) => message.kind === "Prepare");
  assert.deepEqual(
    asked.map(({ to, transfer }) => [Number(to), transfer]),
    [
      [2, true],
      [3, true],
    ],
  );
  const follower = new MultiPaxosBench();
  follower.step(heartbeat(theirs));
  follower.step(prepare(ballotOf(2, 3), { transfer: true }));
  assert.equal(follower.core.status().ballot, ballotOf(2, 3));
});

test("a word to take over counts from the leader alone", () => {
  const bench = new MultiPaxosBench();
  bench.step(heartbeat(theirs));
  bench.step(takeOver(ballotOf(0, 3)));
  assert.deepEqual(bench.status(), ["follower", theirs, 2]);
});

test("a leader that resigns is not waited for", () => {
  const bench = new MultiPaxosBench();
  bench.step(heartbeat(theirs));
  bench.step(resign(theirs));
  assert.deepEqual(bench.status(), ["follower", theirs, undefined]);
  assert.deepEqual(grants(bench.step(canvass(theirs, 1, { from: 3 }))), [true]);
  bench.tick(10);
  assert.equal(bench.core.status().role, "pre-candidate");
});

test("a candidate that is not promised enough within its timeout asks around again", () => {
  const bench = new MultiPaxosBench();
  bench.stand(2);
  bench.tick(20);
  assert.deepEqual(bench.status(), ["pre-candidate", ballotOf(1, 1), undefined]);
});

test("a candidate that is told more and more of a long promise does not lose patience", () => {
  const bench = new MultiPaxosBench();
  bench.stand(2);
  for (let i = 1; i <= 9; i++) {
    bench.tick(9);
    bench.step(promise(ballotOf(1, 1), { lastIndex: 10, slots: [command(i, 1)] }));
  }
  assert.equal(bench.core.status().role, "candidate");
});

test("learners and strangers stand for nothing, whatever they hear", () => {
  for (const bench of [
    new MultiPaxosBench({ voters: [2, 3, 4], learners: [1] }),
    new MultiPaxosBench({ voters: [] }),
    new MultiPaxosBench({ log: [theirs], lost: { index: 2, ballot: theirs } }),
  ]) {
    bench.step(heartbeat(theirs));
    bench.tick(50);
    bench.core.campaign();
    bench.step(takeOver(theirs));
    assert.deepEqual(bench.status().slice(0, 2), ["follower", theirs]);
  }
});
