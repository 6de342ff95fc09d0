/**
 * Whatever arrives, nothing trips: messages with any value in any field, to replicas in every role, in between all that
 * a host does. A peer that lies can break Raft's safety; it cannot stop a replica or fill its memory.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hostility } from "../../test-support/hostile-messages.ts";
import {
  assertRefusalsChangeNothing,
  assertStands,
  tightLimits,
} from "../../test-support/hostile-messages.ts";
import type { RaftBenchOptions } from "../../test-support/raft-bench.ts";
import { RaftBench } from "../../test-support/raft-bench.ts";
import {
  accepted,
  appendEntries,
  heartbeat,
  heartbeatReply,
  preVoteReply,
  readIndexReply,
  readIndexRequest,
  timeoutNow,
  voteReply,
} from "../../test-support/raft-message.ts";
import { randomRaftMessage } from "../../test-support/random-raft-message.ts";
import { replicaId } from "../contract/replica-id.ts";
import { raftProtocol } from "../protocols.ts";
import type { RaftMessage } from "./messages.ts";

const log = [1, 1, 2, 2, 3];
const hostility: Hostility<RaftMessage> = {
  protocol: raftProtocol,
  randomMessage: randomRaftMessage,
};

/** A replica as it may be when a message arrives. */
const situations: Readonly<Record<string, () => RaftBench>> = {
  "an empty follower": () => bench({}),
  "a follower with a leader": () => {
    const follower = bench({ log });
    follower.step(heartbeat(3, 3));
    return follower;
  },
  "a follower that is writing": () => {
    const follower = bench({ log });
    follower.step(appendEntries(4, { previous: [4, 2], entries: [] }));
    return follower;
  },
  "a pre-candidate": () => {
    const candidate = bench({ log });
    candidate.core.campaign();
    candidate.pump();
    return candidate;
  },
  "a candidate": () => {
    const candidate = bench({ log });
    candidate.step(heartbeat(3));
    candidate.step(timeoutNow(3));
    return candidate;
  },
  "a leader": () => {
    const leader = bench({ log }).lead();
    leader.settle();
    leader.step(accepted(4, 6));
    leader.core.readIndex(1);
    leader.core.propose(new Uint8Array(9));
    return leader;
  },
  "a leader before its first commit": () => bench({ log }).lead(),
  "a leader in the middle of a change": () => {
    const leader = bench({ log }).lead();
    leader.settle();
    leader.step(accepted(4, 6));
    leader.core.proposeChange({ voters: [1, 4, 5].map(replicaId), learners: [replicaId(2)] });
    leader.core.transferLeader(replicaId(4));
    return leader;
  },
  "a single voter": () => bench({ voters: [1] }).lead(),
  "a learner": () => bench({ voters: [2, 3, 4], learners: [1], log }),
  "a suspect": () => bench({ log, lost: { index: 9, ballot: 3 } }),
  "a stranger": () => bench({ voters: [] }),
};

function bench(options: RaftBenchOptions): RaftBench {
  return new RaftBench({ ...options, limits: tightLimits });
}

for (const [name, create] of Object.entries(situations)) {
  test(`hostile messages: ${name} stands whatever is said to it`, () => {
    assertStands(hostility, create);
  });

  test(`hostile messages: ${name} is not changed by what it refuses`, () => {
    assertRefusalsChangeNothing(hostility, create);
  });
}

test("hostile messages: an answer to a read from one that does not lead commits nothing at the leader", () => {
  const leader = bench({ log: [1] }).lead();
  leader.settle();
  assert.equal(leader.refusalOf(readIndexReply(2, 1, 2))?.kind, "invalid-message");
  leader.core.checkInvariants();
  assert.equal(leader.core.status().commitIndex, 0);
});

test("hostile messages: votes of strangers elect nobody", () => {
  const candidate = bench({});
  candidate.core.campaign();
  candidate.settle();
  for (let from = 4; from < 100; from++) candidate.step(preVoteReply(1, true, { from }));
  assert.equal(candidate.core.status().role, "pre-candidate");
  candidate.step(preVoteReply(1, true));
  candidate.settle();
  for (let from = 4; from < 100; from++) candidate.step(voteReply(1, true, { from }));
  assert.equal(candidate.core.status().role, "candidate");
});

test("hostile messages: an acknowledgement of what the leader does not have is refused", () => {
  const leader = bench({ log: [1] }).lead();
  assert.equal(leader.refusalOf(accepted(2, 3))?.kind, "invalid-message");
});

test("hostile messages: a flood of requests for read barriers is held in bounded memory", () => {
  const leader = bench({ log: [1] }).lead();
  leader.settle();
  for (let request = 1; request <= 5_000; request++)
    assert.equal(leader.refusalOf(readIndexRequest(2, request)), undefined);
  leader.core.readIndex(7);
  leader.step(accepted(2, 2));
  const answers = leader.step(heartbeatReply(2, 1)).filter(({ kind }) => kind === "ReadIndexReply");
  assert.equal(answers.length, 1_024);
  // The leader's own are its host's business.
  assert.deepEqual(leader.reads, [{ context: 7, index: 2 }]);
});
