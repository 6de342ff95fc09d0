/**
 * Whatever arrives, nothing trips: messages with any value in any field, to replicas in every role, in between all that
 * a host does. A peer that lies can break Raft's safety; it cannot stop a replica or fill its memory.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "@holdfast/base";
import { decode, encode, seededRandom, uniform } from "@holdfast/base";
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
import { RandomRaftMessages } from "../../test-support/random-raft-message.ts";
import { replicaId } from "../contract/replica-id.ts";
import { raftMessageCodec } from "./message-codec.ts";
import type { RaftMessage } from "./messages.ts";

const log = [1, 1, 2, 2, 3];
const limits = {
  windowBytesMax: 200,
  inflightMessagesMax: 3,
  uncommittedBytesMax: 2_000,
  messageBytesMax: 300,
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
  return new RaftBench({ ...options, limits });
}

function hostStep(replica: RaftBench, random: Random): void {
  const { core } = replica;
  switch (uniform(random, 12)) {
    case 0:
      return core.tick();
    case 1:
      return core.campaign();
    case 2:
      core.propose(random.bytes(5));
      return;
    case 3:
      return core.readIndex(uniform(random, 100));
    case 4:
      core.transferLeader(replicaId(1 + uniform(random, 5)));
      return;
    case 5: {
      const voters = [1, 2 + uniform(random, 3), 5 + uniform(random, 3)].map(replicaId);
      core.proposeChange({ voters, learners: [] });
      return;
    }
    case 6:
      return core.reportSnapshot(
        replicaId(1 + uniform(random, 5)),
        random.uint32() % 2 === 0 ? "failed" : "delivered",
      );
    case 7:
      return core.reportUnreachable(replicaId(1 + uniform(random, 5)));
    case 8: {
      const fetch = replica.fetches.shift();
      if (fetch !== undefined) core.provide({ kind: "compacted", to: fetch.to });
      return;
    }
    default:
      replica.settle();
  }
}

/** What it answers can be encoded, whatever it was told. */
function assertSendable(messages: readonly RaftMessage[]): void {
  for (const message of messages)
    assert.deepEqual(decode(raftMessageCodec, encode(raftMessageCodec, message)), message);
}

for (const [name, create] of Object.entries(situations))
  test(`hostile messages: ${name} stands whatever is said to it`, () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seededRandom(seed);
      const messages = new RandomRaftMessages(random);
      const replica = create();
      for (let i = 0; i < 150; i++) {
        const { id: to, ballot, lastIndex: index } = replica.core.status();
        replica.core.step(messages.message({ to, ballot, index, isWild: true }));
        replica.core.checkInvariants();
        if (uniform(random, 3) === 0) assertSendable(replica.pump());
        if (uniform(random, 4) === 0) hostStep(replica, random);
        replica.core.checkInvariants();
      }
      assertSendable(replica.settle());
    }
  });

test("hostile messages: a refused message changes nothing", () => {
  for (const create of Object.values(situations)) {
    const random = seededRandom(1);
    const messages = new RandomRaftMessages(random);
    const replica = create();
    replica.settle();
    let refused = 0;
    for (let i = 0; i < 3_000; i++) {
      const before = replica.core.status();
      const { id: to, ballot, lastIndex: index } = before;
      const followers = replica.core.followers();
      const refusal = replica.refusalOf(messages.message({ to, ballot, index, isWild: true }));
      if (refusal === undefined) continue;
      refused++;
      assert.deepEqual(replica.core.status(), before);
      assert.deepEqual(replica.core.followers(), followers);
    }
    assert.ok(refused > 100);
  }
});

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
