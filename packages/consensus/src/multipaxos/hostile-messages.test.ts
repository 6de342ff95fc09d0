/**
 * Whatever arrives, nothing trips: messages with any value in any field, to replicas in every role, in between all that
 * a host does. A peer that lies can break Paxos' safety; it cannot stop a replica or fill its memory.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { command } from "../../test-support/entries.ts";
import type { Hostility } from "../../test-support/hostile-messages.ts";
import {
  assertRefusalsChangeNothing,
  assertStands,
  tightLimits,
} from "../../test-support/hostile-messages.ts";
import type { MultiPaxosBenchOptions } from "../../test-support/multipaxos-bench.ts";
import { MultiPaxosBench } from "../../test-support/multipaxos-bench.ts";
import {
  accept,
  accepted,
  ballotOf,
  canvassReply,
  heartbeat,
  heartbeatReply,
  missing,
  prepare,
  promise,
  readIndexReply,
  readIndexRequest,
  takeOver,
} from "../../test-support/multipaxos-message.ts";
import { randomMultiPaxosMessage } from "../../test-support/random-multipaxos-message.ts";
import { replicaId } from "../contract/replica-id.ts";
import { multiPaxosProtocol } from "../protocols.ts";
import type { MultiPaxosMessage } from "./messages.ts";

const log = [1, 1, 2, 2, 3].map((round) => ballotOf(round, 2));
const next = ballotOf(4, 2);

const hostility: Hostility<MultiPaxosMessage> = {
  protocol: multiPaxosProtocol,
  randomMessage: randomMultiPaxosMessage,
};

/** A replica as it may be when a message arrives. */
const situations: Readonly<Record<string, () => MultiPaxosBench>> = {
  "an empty follower": () => bench({}),
  "a follower with a leader": () => {
    const follower = bench({ log });
    follower.step(heartbeat(next));
    return follower;
  },
  "a follower that is writing": () => {
    const follower = bench({ log, chosenIndex: 2 });
    follower.step(accept(next, { previous: 2, entries: [command(3, next), command(4, next)] }));
    return follower;
  },
  "a follower that has accepted again": () =>
    bench({
      log,
      chosenIndex: 1,
      promised: ballotOf(3, 3),
      acceptances: [{ through: 4, ballot: ballotOf(3, 3) }],
    }),
  "an acceptor that has promised": () => {
    const acceptor = bench({ log });
    acceptor.step(prepare(next));
    return acceptor;
  },
  "a pre-candidate": () => {
    const candidate = bench({ log });
    candidate.core.campaign();
    candidate.pump();
    return candidate;
  },
  "a candidate": () => {
    const candidate = bench({ log, chosenIndex: 1 });
    candidate.stand(2);
    return candidate;
  },
  "a candidate with a part of a promise": () => {
    const candidate = bench({ log, chosenIndex: 1 });
    candidate.stand(2);
    const slots = [command(2, ballotOf(2, 2)), command(3, ballotOf(2, 2))];
    candidate.step(promise(ballotOf(4, 1), { lastIndex: 9, slots }));
    return candidate;
  },
  "a leader": () => {
    const leader = bench({ log }).lead();
    leader.settle();
    leader.step(accepted(ballotOf(4, 1), 5));
    leader.core.readIndex(1);
    leader.core.propose(new Uint8Array(9));
    return leader;
  },
  "a leader that proposes again": () => bench({ log }).lead(),
  "a leader in the middle of a change": () => {
    const leader = bench({}).lead();
    leader.core.proposeChange({ voters: [1, 4, 5].map(replicaId), learners: [replicaId(2)] });
    leader.settle();
    leader.step(accepted(ballotOf(1, 1), 1));
    leader.transfer(4);
    return leader;
  },
  "a single voter": () => bench({ voters: [1] }).lead(),
  "a learner": () => bench({ voters: [2, 3, 4], learners: [1], log }),
  "a suspect": () => bench({ log, lost: { index: 9, ballot: ballotOf(3, 2) } }),
  "a stranger": () => bench({ voters: [] }),
};

function bench(options: MultiPaxosBenchOptions): MultiPaxosBench {
  return new MultiPaxosBench({ ...options, limits: tightLimits });
}

for (const [name, create] of Object.entries(situations)) {
  test(`hostile messages: ${name} stands whatever is said to it`, () => {
    assertStands(hostility, create);
  });

  test(`hostile messages: ${name} is not changed by what it refuses`, () => {
    assertRefusalsChangeNothing(hostility, create);
  });
}

test("hostile messages: nobody proposes in a ballot of another replica", () => {
  const follower = bench({ log });
  for (const message of [
    prepare(next, { from: 3 }),
    accept(next, { from: 3 }),
    heartbeat(next, 0, 0, { from: 3 }),
    takeOver(next, { from: 3 }),
    readIndexReply(next, 1, 1, { from: 3 }),
  ])
    assert.match(follower.refusalOf(message)?.problem ?? "", /replica 3 proposes in ballot 4000002/);
});

test("hostile messages: promises and canvass replies of strangers elect nobody", () => {
  const candidate = bench({});
  candidate.core.campaign();
  candidate.settle();
  for (let from = 4; from < 100; from++) candidate.step(canvassReply(0, 1, true, { from }));
  assert.equal(candidate.core.status().role, "pre-candidate");
  candidate.step(canvassReply(0, 1, true));
  candidate.settle();
  for (let from = 4; from < 100; from++) candidate.step(promise(ballotOf(1, 1), { from }));
  assert.equal(candidate.core.status().role, "candidate");
});

test("hostile messages: an acceptance of what the leader has not proposed is refused", () => {
  const leader = bench({}).lead();
  assert.equal(leader.refusalOf(accepted(ballotOf(1, 1), 1))?.kind, "invalid-message");
});

test("hostile messages: an answer to a round of heartbeats that has not begun is refused", () => {
  const leader = bench({}).lead();
  assert.equal(leader.refusalOf(heartbeatReply(ballotOf(1, 1), 1))?.kind, "invalid-message");
});

test("hostile messages: a slot that is missing before one that is not is refused", () => {
  const leader = bench({}).lead();
  assert.equal(leader.refusalOf(missing(ballotOf(1, 1), 1, 2))?.kind, "invalid-message");
});

for (const [problem, told] of [
  ["slots behind its last", { lastIndex: 1, slots: [command(1, 1), command(2, 1)] }],
  ["slots accepted before they were proposed", { slots: [[command(1, 5), 4]] }],
  ["slots accepted in a later ballot than the one promised", { slots: [[command(1, 5), 9_000_001]] }],
  ["slots with a gap between them", { lastIndex: 3, slots: [command(1, 1), command(3, 1)] }],
  ["more chosen than it has", { commitIndex: 2, lastIndex: 1 }],
] as const)
  test(`hostile messages: a promise with ${problem} is refused`, () => {
    const candidate = bench({});
    candidate.stand(2);
    assert.equal(candidate.refusalOf(promise(ballotOf(1, 1), told))?.kind, "invalid-message");
    assert.equal(candidate.core.status().role, "candidate");
  });

test("hostile messages: a flood of requests for read barriers is held in bounded memory", () => {
  const leader = bench({}).lead();
  const of = ballotOf(1, 1);
  for (let request = 1; request <= 5_000; request++)
    assert.equal(leader.refusalOf(readIndexRequest(of, request)), undefined);
  leader.core.readIndex(7);
  leader.pump();
  const answers = leader.step(heartbeatReply(of, 1)).filter(({ kind }) => kind === "ReadIndexReply");
  assert.equal(answers.length, 1_024);
  // The leader's own are its host's business.
  assert.deepEqual(leader.reads, [{ context: 7, index: 0 }]);
});
