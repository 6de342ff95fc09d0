/**
 * Every single message of a run is lost once (OmniPaxos #56, #67, #68): whatever it was, the group does what it is asked within a few
 * election timeouts. The run elects, proposes, exchanges voters, hands leadership over, reads.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { equalBytes, present, seededRandom, utf8 } from "@holdfast/base";
import { membership } from "../test-support/entries.ts";
import type { TranscriptProtocol } from "../test-support/transcript/protocol.ts";
import { copyOf, multiPaxosTranscripts, raftTranscripts } from "../test-support/transcript/protocol.ts";
import { TranscriptReplica } from "../test-support/transcript/transcript-replica.ts";
import type { Envelope } from "./contract/consensus.ts";
import { defaultConsensusLimits } from "./contract/consensus.ts";
import { isJoint } from "./contract/membership.ts";
import { replicaId } from "./contract/replica-id.ts";

/** Six times the longest election timeout. */
const patienceTicks = 120;

class LossyGroup<Message extends Envelope> {
  readonly replicas: readonly TranscriptReplica<Message>[];
  readonly #protocol: TranscriptProtocol<Message>;
  readonly #lostNumber: number;
  #air: Message[] = [];
  sentCount = 0;
  lost: Message | undefined;

  constructor(protocol: TranscriptProtocol<Message>, lostNumber: number) {
    this.#protocol = protocol;
    this.#lostNumber = lostNumber;
    this.replicas = [1, 2, 3, 4, 5].map(
      (id) =>
        new TranscriptReplica(replicaId(id), membership([1, 2, 3], [4, 5]), {
          protocol,
          limits: { ...defaultConsensusLimits, messageBytesMax: 100 },
          random: seededRandom(id),
          say: () => undefined,
          send: (message) => this.#send(message),
        }),
    );
  }

  get leader(): TranscriptReplica<Message> | undefined {
    const leaders = this.replicas.filter(({ status }) => status.role === "leader");
    return leaders.sort((a, b) => b.status.ballot - a.status.ballot)[0];
  }

  /** Time passes until that holds; a tick is long enough for everything that is under way. */
  until(what: string, holds: () => boolean): void {
    for (let tick = 0; !holds(); tick++) {
      assert.ok(tick < patienceTicks, `${what}, although this was lost: ${this.#describeLost()}`);
      for (const replica of this.replicas) {
        replica.core.tick();
        replica.pump();
      }
      while (this.#work());
    }
  }

  #describeLost(): string {
    return this.lost === undefined ? "nothing" : this.#protocol.describe(this.lost);
  }

  #send(message: Message): void {
    if (++this.sentCount === this.#lostNumber) this.lost = message;
    else this.#air.push(copyOf(this.#protocol, message));
  }

  /** False when there was nothing to do. */
  #work(): boolean {
    const messages = this.#air.splice(0);
    for (const message of messages) present(this.replicas[message.to - 1], "a receiver").receive(message);
    const busy = this.replicas.filter(({ disk, isApplying }) => disk.writesInFlight > 0 || isApplying);
    for (const replica of busy) {
      while (replica.disk.writesInFlight > 0) replica.endWrite();
      while (replica.isApplying) replica.apply();
    }
    return messages.length > 0 || busy.length > 0;
  }
}

/** Everything, to its end. Gives how many messages that took. */
function run<Message extends Envelope>(protocol: TranscriptProtocol<Message>, lostNumber: number): number {
  const group = new LossyGroup(protocol, lostNumber);
  group.until("there is a leader", () => group.leader !== undefined);
  propose(group, ["a", "b"]);
  exchangeVoters(group);
  propose(group, ["c"]);
  handOver(group);
  propose(group, ["d"]);
  read(group);
  group.until("all members hold the same", () => {
    const last = group.leader?.status.lastIndex;
    return [3, 4, 5].every((id) => group.replicas[id - 1]?.applied.index === last);
  });
  return group.sentCount;
}

/** A proposal may be lost with its leader: then it is made again, as a client would. */
function propose<Message extends Envelope>(group: LossyGroup<Message>, commands: readonly string[]): void {
  for (const text of commands)
    group.until(`${text} is proposed and applied`, () => {
      const { leader } = group;
      const isApplied = leader?.disk.entries.some(
        ({ index, payload }) => index <= leader.applied.index && equalBytes(payload, utf8(text)),
      );
      if (isApplied !== true && leader?.status.commitIndex === leader?.status.lastIndex)
        leader?.core.propose(utf8(text));
      leader?.pump();
      return isApplied === true;
    });
}

function exchangeVoters<Message extends Envelope>(group: LossyGroup<Message>): void {
  const target = { voters: [3, 4, 5].map(replicaId), learners: [] };
  group.until("the voters are exchanged", () => {
    const { leader } = group;
    leader?.core.proposeChange(target);
    leader?.pump();
    const status = leader?.status;
    return (
      status !== undefined &&
      !isJoint(status.membership) &&
      status.membership.voters.includes(replicaId(5)) &&
      status.appliedIndex === status.lastIndex
    );
  });
}

/** It may fail and be asked for again. */
function handOver<Message extends Envelope>(group: LossyGroup<Message>): void {
  const before = group.leader?.id;
  group.until("leadership is handed over", () => {
    const { leader } = group;
    const to = present(
      [3, 4, 5].find((id) => id !== leader?.id),
      "another voter",
    );
    if (leader?.id === before) leader?.core.transferLeader(replicaId(to));
    leader?.pump();
    return leader !== undefined && leader.id !== before;
  });
}

function read<Message extends Envelope>(group: LossyGroup<Message>): void {
  const reader = present(
    group.replicas.slice(2).find(({ status }) => status.role !== "leader"),
    "a follower",
  );
  let context = 0;
  group.until("a read at a follower is answered", () => {
    if (reader.reads.length === context) reader.core.readIndex(++context);
    reader.pump();
    return reader.reads.some(({ index }) => index !== undefined);
  });
}

function testLosses<Message extends Envelope>(protocol: TranscriptProtocol<Message>): void {
  test(`lost messages: each message of a ${protocol.name} run is lost once, and everything comes about`, () => {
    const count = run(protocol, 0);
    assert.ok(count > 50, `${count} messages`);
    for (let lost = 1; lost <= count; lost++) run(protocol, lost);
  });
}

testLosses(raftTranscripts);
testLosses(multiPaxosTranscripts);
