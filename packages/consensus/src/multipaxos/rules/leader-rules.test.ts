/** One test for each rule on proposers: "Paxos Made Simple" §2.2 (P2c), §3, the read barrier, flow of proposals. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { MultiPaxosBenchOptions } from "../../../test-support/multipaxos-bench.ts";
import { MultiPaxosBench } from "../../../test-support/multipaxos-bench.ts";
import {
  accepted,
  ballotOf,
  canvassReply,
  heartbeat,
  heartbeatReply,
  missing,
  preempted,
  promise,
} from "../../../test-support/multipaxos-message.ts";
import { replicaId } from "../../contract/replica-id.ts";
import type { MultiPaxosMessage } from "../messages.ts";

const old = ballotOf(1, 2);
const own = ballotOf(2, 1);

/** Leads with two slots of an earlier ballot proposed again and nothing acknowledged. */
function settling(options: MultiPaxosBenchOptions = {}): MultiPaxosBench {
  return new MultiPaxosBench({ log: [old, old], ...options }).lead();
}

function proposals(messages: readonly MultiPaxosMessage[]): readonly string[] {
  return messages.flatMap((message) =>
    message.kind === "Accept"
      ? message.entries.map(({ index, ballot }) => `${index}/${ballot} to ${message.to}`)
      : [],
  );
}

test("§2.5: a ballot is used once: the next one is above all that was promised or heard of", () => {
  const bench = new MultiPaxosBench({ promised: ballotOf(5, 3) });
  bench.core.campaign();
  bench.settle();
  bench.step(canvassReply(ballotOf(8, 2), 1, true));
  assert.deepEqual(bench.status(), ["candidate", ballotOf(9, 1), undefined]);
});

test("§2.3: a proposer asks for promises when its own is durable, not before", () => {
  const bench = new MultiPaxosBench();
  bench.core.campaign();
  bench.pump();
  assert.deepEqual(bench.step(canvassReply(0, 1, true)), []);
  assert.deepEqual(
    bench.settle().map(({ kind, to }) => `${kind} ${to}`),
    ["Prepare 2", "Prepare 3"],
  );
  assert.equal(bench.durable.promised, ballotOf(1, 1));
});

test("§3: no minority of promises makes a leader", () => {
  const bench = new MultiPaxosBench({ voters: [1, 2, 3, 4, 5] });
  bench.stand(2, 3);
  bench.step(promise(ballotOf(1, 1)));
  bench.step(promise(ballotOf(1, 1)));
  assert.equal(bench.core.status().role, "candidate");
  bench.step(promise(ballotOf(1, 1), { from: 3 }));
  assert.equal(bench.core.status().role, "leader");
});

test("§3: what earlier ballots may have chosen is proposed again, each value with the ballot it had", () => {
  const bench = new MultiPaxosBench({ log: [old, old] });
  bench.stand(2);
  const said = proposals(bench.step(promise(own, { lastIndex: 0 })));
  assert.deepEqual(
    said.filter((text) => text.endsWith("to 2")),
    [`1/${old} to 2`, `2/${old} to 2`],
  );
});

test("§3: a leader proposes values of its own behind what is to be proposed again", () => {
  const bench = settling();
  bench.settle();
  const answer = bench.core.propose(new Uint8Array(1));
  assert.deepEqual(answer, { kind: "proposed", index: 3, ballot: own });
});

test("a slot is chosen when a majority has accepted it in one ballot", () => {
  const bench = settling({ voters: [1, 2, 3, 4, 5] });
  bench.settle();
  bench.step(accepted(own, 2));
  bench.step(accepted(own, 1, { from: 3 }));
  assert.equal(bench.core.status().commitIndex, 1);
  bench.step(accepted(own, 2, { from: 3 }));
  assert.equal(bench.core.status().commitIndex, 2);
});

test("a leader counts itself when its own acceptance is durable: for a new value, and for one that it had", () => {
  const bench = settling();
  bench.step(accepted(own, 2));
  assert.equal(
    bench.core.status().commitIndex,
    0,
    "the values are durable, that they are accepted in this ballot is not",
  );
  bench.settle();
  assert.equal(bench.core.status().commitIndex, 2);
  bench.core.propose(new Uint8Array(1));
  bench.pump();
  bench.step(accepted(own, 3));
  assert.equal(bench.core.status().commitIndex, 2);
  bench.settle();
  assert.equal(bench.core.status().commitIndex, 3);
});

test("a leader that hears of a higher ballot proposes no more", () => {
  const bench = settling();
  bench.step(preempted(ballotOf(3, 3)));
  assert.deepEqual(bench.status(), ["follower", ballotOf(3, 3), undefined]);
  assert.equal(bench.core.propose(new Uint8Array(1)).kind, "not-leader");
  assert.deepEqual(proposals(bench.tick(3)), []);
});

test("answers in an earlier ballot mean nothing in this one", () => {
  const bench = settling();
  bench.settle();
  bench.step(accepted(old, 2));
  assert.equal(bench.core.status().commitIndex, 0);
});

test("a new leader says at once whom to follow", () => {
  const bench = new MultiPaxosBench();
  bench.stand(2);
  const said = bench.step(promise(ballotOf(1, 1)));
  assert.deepEqual(
    said.map(({ kind, to }) => `${kind} ${to}`),
    ["Heartbeat 2", "Heartbeat 3"],
  );
});

test("a new leader streams nothing to a voter that has not answered: it asks where that one stands", () => {
  const bench = new MultiPaxosBench({ log: [old, old], chosenIndex: 2 });
  bench.stand(2);
  bench.step(promise(own, { commitIndex: 2 }));
  const modes = bench.core.followers().map(({ id, mode, nextIndex }) => [id, mode, nextIndex]);
  assert.deepEqual(modes, [
    [2, "replicate", 3],
    [3, "probe", 3],
  ]);
});

test("P6: a promise that does not come is asked for again", () => {
  const bench = new MultiPaxosBench();
  bench.stand(2);
  for (let i = 0; i < 3; i++)
    assert.deepEqual(
      bench.tick(1).map(({ kind, to }) => `${kind} ${to}`),
      ["Prepare 2", "Prepare 3"],
    );
});

test("P6: a proposal that is missing at a follower is sent again from there on", () => {
  const bench = settling();
  bench.settle();
  bench.step(accepted(own, 2));
  for (let i = 0; i < 2; i++) bench.core.propose(new Uint8Array(1));
  bench.settle();
  assert.deepEqual(proposals(bench.step(missing(own, 3, 2))), [`3/${own} to 2`, `4/${own} to 2`]);
});

test("P6: a follower that answers and has not accepted all is asked where it stands", () => {
  const bench = settling();
  bench.settle();
  const [probe] = bench.step(heartbeatReply(own));
  assert.equal(probe?.kind === "Accept" && probe.entries.length, 0);
});

test("reads: they wait for all that earlier ballots may have chosen", () => {
  const bench = settling();
  bench.settle();
  bench.core.readIndex(7);
  bench.pump();
  bench.step(heartbeatReply(own, 0));
  assert.deepEqual(bench.reads, []);
  bench.step(accepted(own, 2));
  bench.step(heartbeatReply(own, 1));
  assert.deepEqual(bench.reads, [{ context: 7, index: 2 }]);
});

test("reads: a leader that knows all of it as chosen answers after one round, before it has proposed anything", () => {
  const bench = new MultiPaxosBench({ log: [old], chosenIndex: 1 });
  bench.stand(2);
  bench.step(promise(own, { commitIndex: 1 }));
  bench.core.readIndex(7);
  bench.pump();
  assert.deepEqual(bench.reads, []);
  bench.step(heartbeatReply(own, 1));
  assert.deepEqual(bench.reads, [{ context: 7, index: 1 }]);
});

test("reads: answers to heartbeats from before the question confirm nothing", () => {
  const bench = new MultiPaxosBench().lead();
  bench.core.readIndex(7);
  bench.pump();
  bench.step(heartbeatReply(ballotOf(1, 1), 0));
  assert.deepEqual(bench.reads, []);
});

test("hand-over: it waits for the successor to have everything, and nothing is proposed meanwhile", () => {
  const bench = settling();
  bench.settle();
  bench.transfer(2);
  assert.equal(bench.core.propose(new Uint8Array(1)).kind, "transferring");
  const said = bench.step(accepted(own, 2)).filter(({ kind }) => kind === "TakeOver");
  assert.deepEqual(
    said.map(({ to }) => Number(to)),
    [2],
  );
});

test("check quorum: a leader that no majority answers resigns within two election timeouts", () => {
  const bench = new MultiPaxosBench({ voters: [1, 2, 3, 4, 5] }).lead();
  for (let i = 0; i < 4; i++) {
    bench.step(heartbeatReply(ballotOf(1, 1)));
    bench.tick(5);
  }
  assert.equal(bench.core.status().role, "follower");
  assert.equal(bench.core.propose(new Uint8Array(1)).kind, "not-leader");
});

test("check quorum: a leader that a majority answers goes on", () => {
  const bench = new MultiPaxosBench().lead();
  for (let i = 0; i < 10; i++) {
    bench.step(heartbeatReply(ballotOf(1, 1)));
    bench.tick(5);
  }
  assert.equal(bench.core.status().role, "leader");
});

test("S10: a leader whose follower is in doubt makes a value of its own ballot chosen, once", () => {
  const bench = new MultiPaxosBench().lead();
  for (const from of [2, 3]) bench.step(heartbeatReply(ballotOf(1, 1), 0, { suspect: true, from }));
  assert.equal(bench.core.status().lastIndex, 1);
});

test("uncommitted proposals are bounded in bytes, and taken again when they are chosen", () => {
  const bench = new MultiPaxosBench({ limits: { uncommittedBytesMax: 300 } }).lead();
  const kinds = Array.from({ length: 5 }, () => bench.core.propose(new Uint8Array(60)).kind);
  assert.deepEqual(kinds, ["proposed", "proposed", "overloaded", "overloaded", "overloaded"]);
  bench.settle();
  bench.step(accepted(ballotOf(1, 1), 2));
  assert.equal(bench.core.propose(new Uint8Array(60)).kind, "proposed");
});

test("a follower does not propose, and says who does", () => {
  const bench = new MultiPaxosBench();
  bench.step(heartbeat(old));
  assert.deepEqual(bench.core.propose(new Uint8Array(1)), { kind: "not-leader", leader: replicaId(2) });
  assert.deepEqual(bench.applied, []);
});
