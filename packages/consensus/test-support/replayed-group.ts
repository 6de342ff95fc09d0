/**
 * A group of three under replay: any message that was ever sent arrives again, at any time, in any order, besides crashes,
 * writes that end late, snapshots. Nobody lies, so the group stays safe.
 */

import assert from "node:assert/strict";
import type { Random } from "@holdfast/base";
import { present, seededRandom, uniform, utf8 } from "@holdfast/base";
import type { Envelope, SnapshotPosition } from "../src/contract/consensus.ts";
import { defaultConsensusLimits } from "../src/contract/consensus.ts";
import { replicaId } from "../src/contract/replica-id.ts";
import { membership } from "./entries.ts";
import type { TranscriptProtocol } from "./transcript/protocol.ts";
import { copyOf } from "./transcript/protocol.ts";
import { TranscriptReplica } from "./transcript/transcript-replica.ts";

const limits = {
  ...defaultConsensusLimits,
  windowBytesMax: 200,
  inflightMessagesMax: 3,
  messageBytesMax: 200,
  electionTicks: 12,
  heartbeatTicks: 3,
};
/** Older ones are not replayed any more. */
const historyMax = 3_000;

export class ReplayedGroup<Message extends Envelope> {
  readonly #protocol: TranscriptProtocol<Message>;
  readonly #random: Random;
  readonly #replicas: readonly TranscriptReplica<Message>[];
  readonly #fresh: Message[] = [];
  readonly #history: Message[] = [];
  readonly #leaders = new Map<number, number>();
  /** Ballot of the entry that was applied first, by index. */
  readonly #chosen = new Map<number, number>();
  /** By replica and context: what was committed somewhere when the barrier was asked for. */
  readonly #asked = new Map<string, number>();
  #steps = 0;
  #contexts = 0;
  #commands = 0;
  readsAnswered = 0;

  constructor(protocol: TranscriptProtocol<Message>, seed: number) {
    this.#protocol = protocol;
    this.#random = seededRandom(seed);
    const world = {
      protocol,
      limits,
      random: this.#random,
      say: () => undefined,
      send: (message: Message) => {
        this.#fresh.push(message);
        this.#history.push(copyOf(this.#protocol, message));
        if (this.#history.length > historyMax) this.#history.shift();
      },
    };
    this.#replicas = [1, 2, 3].map(
      (id) => new TranscriptReplica(replicaId(id), membership([1, 2, 3]), world),
    );
  }

  get committed(): number {
    return Math.max(...this.#replicas.map(({ status }) => status.commitIndex));
  }

  step(): void {
    this.#steps++;
    const replica = present(this.#replicas[uniform(this.#random, 3)], "a replica");
    const dice = uniform(this.#random, 100);
    if (dice < 50) this.#deliver(this.#fresh, true);
    else if (dice < 60) this.#replay();
    else if (dice < 80) this.#host(replica);
    else if (dice < 88) this.#ask(replica);
    else if (dice < 97) this.#tick(replica);
    else if (dice < 98) this.#snapshot(replica);
    else if (uniform(this.#random, 4) === 0) this.#crash(replica);
    this.#check(replica);
  }

  /** In bursts: old heartbeats that never end would keep a group from electing anybody. */
  #replay(): void {
    if (this.#steps % 600 < 200) this.#deliver(this.#history, false);
  }

  #deliver(messages: Message[], takes: boolean): void {
    // The oldest, as a rule: else nothing would ever come about.
    const place =
      uniform(this.#random, 4) > 0 && takes ? 0 : uniform(this.#random, Math.max(1, messages.length));
    const message = messages[place];
    if (message === undefined) return;
    if (takes) messages.splice(place, 1);
    const receiver = present(this.#replicas[message.to - 1], "a receiver");
    assert.equal(receiver.core.step(copyOf(this.#protocol, message)), undefined);
    receiver.pump();
    this.#check(receiver);
  }

  #host(replica: TranscriptReplica<Message>): void {
    if (replica.disk.writesInFlight > 0) replica.endWrite();
    if (replica.isApplying) replica.apply();
    if (replica.fetches.length > 0) replica.answerFetch();
    for (const to of replica.snapshotsWanted.splice(0))
      replica.core.reportSnapshot(to, this.#stream(replica, to) ? "delivered" : "failed");
    replica.pump();
  }

  #ask(replica: TranscriptReplica<Message>): void {
    if (uniform(this.#random, 2) === 0) replica.core.propose(utf8(`${++this.#commands}`));
    else {
      const context = ++this.#contexts;
      this.#asked.set(`${replica.id} ${context}`, this.committed);
      replica.core.readIndex(context);
    }
    replica.pump();
  }

  #tick(replica: TranscriptReplica<Message>): void {
    replica.core.tick();
    replica.pump();
  }

  #crash(replica: TranscriptReplica<Message>): void {
    replica.disk.crash(uniform(this.#random, replica.disk.writesInFlight + 1));
    replica.restart();
  }

  /** Flushes and cuts the log, or hands a snapshot to somebody who did not ask. */
  #snapshot(replica: TranscriptReplica<Message>): void {
    replica.flush();
    const { index } = replica.applied;
    if (index > replica.disk.base.index && uniform(this.#random, 2) === 0) replica.disk.compact(index);
    else this.#stream(replica, replicaId(1 + uniform(this.#random, 3)));
  }

  #stream(from: TranscriptReplica<Message>, to: number): boolean {
    const { status, applied, id } = from;
    if (status.role !== "leader" || to === id || uniform(this.#random, 4) === 0) return false;
    const receiver = present(this.#replicas[to - 1], "a receiver");
    const position: SnapshotPosition = applied;
    const envelope = { from: id, to: receiver.id, ballot: status.ballot };
    receiver.receive(this.#protocol.installSnapshot(envelope, position));
    return true;
  }

  #check(replica: TranscriptReplica<Message>): void {
    const { id, status, disk, applied } = replica;
    if (status.role === "leader") {
      assert.equal(this.#leaders.get(status.ballot) ?? id, id, `two leaders of ballot ${status.ballot}`);
      this.#leaders.set(status.ballot, id);
    }
    for (const { index, ballot } of disk.entries.slice(-10)) {
      if (index > applied.index) continue;
      assert.equal(this.#chosen.get(index) ?? ballot, ballot, `two entries at ${index}`);
      this.#chosen.set(index, ballot);
    }
    for (const { context, index } of replica.reads.splice(0)) {
      if (index === undefined) continue;
      this.readsAnswered++;
      const floor = this.#asked.get(`${id} ${context}`) ?? 0;
      assert.ok(index >= floor, `a read at ${index}, ${floor} was committed before it was asked for`);
    }
  }
}
