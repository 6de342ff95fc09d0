/**
 * A little world for one script: replicas, what is on its way between them, and what happened, line by line. Each
 * command of the script is a method below; all that is done is done because a command says so.
 */

import type { Random } from "@holdfast/base";
import { ballot, logIndex, present, utf8 } from "@holdfast/base";
import type { ConsensusLimits, Envelope, SnapshotPosition } from "../../src/contract/consensus.ts";
import { defaultConsensusLimits } from "../../src/contract/consensus.ts";
import { emptyMembership } from "../../src/contract/membership.ts";
import { replicaId } from "../../src/contract/replica-id.ts";
import {
  describeEntries,
  describeFollower,
  describePosition,
  describeRefusal,
  describeStatus,
} from "./describe.ts";
import { MessagePool } from "./message-pool.ts";
import type { TranscriptProtocol } from "./protocol.ts";
import { copyOf } from "./protocol.ts";
import { ScriptLine } from "./script-line.ts";
import { TranscriptReplica } from "./transcript-replica.ts";

interface Stream extends SnapshotPosition {
  readonly envelope: Envelope;
}

type Command = (line: ScriptLine) => void;

const quietly = "quietly ";
/** Every election timeout is the shortest: scripts say who waits how long. */
const noChance: Random = { uint32: () => 0, bytes: (length) => new Uint8Array(length) };
/** A script that does not come to rest by then has a loop in it. */
const roundsMax = 200;

export class Transcript<Message extends Envelope> {
  readonly #protocol: TranscriptProtocol<Message>;
  readonly #replicas = new Map<number, TranscriptReplica<Message>>();
  readonly #pool = new MessagePool<Message>();
  #limits: ConsensusLimits = defaultConsensusLimits;
  #streams: Stream[] = [];
  #said: string[] = [];

  constructor(protocol: TranscriptProtocol<Message>) {
    this.#protocol = protocol;
  }

  /** Carries out one line and gives what happened; nothing is given behind the word `quietly`. */
  run(text: string): readonly string[] {
    if (text.startsWith(quietly)) {
      this.run(text.slice(quietly.length));
      return [];
    }
    this.#said = [];
    const line = new ScriptLine(text);
    const command = this.#commands[line.verb];
    if (command === undefined) throw new SyntaxError(`no such command: ${text}`);
    command(line);
    return this.#said;
  }

  readonly #commands: Readonly<Record<string, Command>> = {
    limits: (line) => this.#setLimits(line),
    replicas: (line) => this.#addReplicas(line),
    join: (line) => this.#join(line.number(0)),
    preload: (line) => this.#preload(line),
    tick: (line) => this.#tick(line.number(0), line.words.length > 1 ? line.number(1) : 1),
    campaign: (line) => this.#with(line, (replica) => replica.core.campaign()),
    propose: (line) => this.#propose(line),
    change: (line) => this.#change(line),
    read: (line) =>
      this.#with(line, ({ core }) => {
        for (const context of line.numbers.slice(1)) core.readIndex(context);
      }),
    transfer: (line) =>
      this.#with(line, ({ core }) => this.#sayAnswer(core.transferLeader(replicaId(line.number(1))))),
    unreachable: (line) => this.#with(line, ({ core }) => core.reportUnreachable(replicaId(line.number(1)))),
    deliver: (line) => this.#deliver(this.#pool.take(filterOf(line))),
    duplicate: (line) => this.#deliver(this.#pool.find(filterOf(line))),
    drop: (line) => {
      for (const message of this.#pool.take(filterOf(line))) this.#sayLost(message);
    },
    isolate: (line) => {
      for (const id of line.numbers) this.#pool.isolate(id);
    },
    heal: () => this.#pool.heal(),
    write: (line) => this.#endWrites(line),
    apply: (line) => this.#replica(line.number(0)).apply(),
    flush: (line) => this.#replica(line.number(0)).flush(),
    compact: (line) => this.#compact(line.number(0)),
    fetch: (line) => this.#replica(line.number(0)).answerFetch(),
    stream: (line) => this.#stream(line.number(0), line.number(1)),
    arrive: (line) => this.#arrive(line.number(0)),
    report: (line) => this.#report(line),
    restart: (line) => this.#restart(line),
    lose: (line) => this.#lose(line),
    stabilize: (line) => this.#stabilize(line.numbers),
    status: (line) => {
      for (const { id, status } of this.#chosen(line.numbers)) this.#say(`${id} ${describeStatus(status)}`);
    },
    followers: (line) => {
      for (const follower of this.#replica(line.number(0)).core.followers())
        this.#say(describeFollower(follower));
    },
    log: (line) => this.#sayLogs(line.numbers),
    messages: () => {
      for (const message of this.#pool.messages) this.#say(this.#protocol.describe(message));
    },
  };

  #setLimits(line: ScriptLine): void {
    const changed = Object.fromEntries(line.names.map((name) => [name, line.named(name)]));
    this.#limits = { ...this.#limits, ...changed };
  }

  #addReplicas(line: ScriptLine): void {
    const learners = line.list("learners").map(replicaId);
    const others = line.numbers.map(replicaId).filter((id) => !learners.includes(id));
    const voters = line.has("voters") ? line.list("voters").map(replicaId) : others;
    for (const id of line.numbers) this.#create(id, { voters, outgoing: [], learners });
  }

  /** One that the group does not know of yet. */
  #join(id: number): void {
    this.#create(id, emptyMembership);
  }

  #create(id: number, membership: typeof emptyMembership): void {
    const replica = new TranscriptReplica<Message>(replicaId(id), membership, {
      protocol: this.#protocol,
      limits: this.#limits,
      random: noChance,
      say: (text) => this.#say(text),
      send: (message) => this.#pool.add(copyOf(this.#protocol, message)),
    });
    this.#replicas.set(id, replica);
  }

  /** `preload 2 1 1 4`: the log of replica 2 has entries of these ballots. */
  #preload(line: ScriptLine): void {
    const replica = this.#replica(line.number(0));
    const ballots = line.numbers.slice(1);
    replica.disk.preload(
      ballots.map((of, i) => ({
        index: logIndex(i + 1),
        ballot: ballot(of),
        kind: "command",
        payload: utf8(`${i + 1}-${of}`),
      })),
    );
    replica.disk.hardState = this.#protocol.hardStateOf(line.named("ballot") ?? ballots.at(-1) ?? 0);
    replica.restart();
  }

  #tick(id: number, times: number): void {
    const replica = this.#replica(id);
    for (let i = 0; i < times; i++) {
      replica.core.tick();
      replica.pump();
    }
  }

  /** `propose 1 a b*100`: several commands between two looks at `ready()`; `b*100` is 100 letters long. */
  #propose(line: ScriptLine): void {
    this.#with(line, ({ core }) => {
      for (const word of line.words.slice(1)) {
        const [letters = "", times = "1"] = word.split("*");
        this.#sayAnswer(core.propose(utf8(letters.repeat(Number(times)))));
      }
    });
  }

  #change(line: ScriptLine): void {
    const target = {
      voters: line.list("voters").map(replicaId),
      learners: line.list("learners").map(replicaId),
    };
    this.#with(line, ({ core }) => this.#sayAnswer(core.proposeChange(target)));
  }

  #deliver(messages: readonly Message[]): void {
    for (const message of messages) {
      const replica = this.#replicas.get(message.to);
      if (replica === undefined || this.#pool.isLost(message)) this.#sayLost(message);
      else {
        this.#say(`${message.to} gets ${this.#protocol.describe(message)}`);
        replica.receive(message);
      }
    }
  }

  #endWrites(line: ScriptLine): void {
    const replica = this.#replica(line.number(0));
    const count = line.words.length > 1 ? line.number(1) : replica.disk.writesInFlight;
    for (let i = 0; i < count; i++) replica.endWrite();
  }

  #compact(id: number): void {
    const replica = this.#replica(id);
    replica.flush();
    replica.disk.compact(replica.applied.index);
  }

  /** A snapshot of what the sender has applied begins its journey. */
  #stream(from: number, to: number): void {
    const { applied, status, id } = this.#replica(from);
    this.#streams.push({ ...applied, envelope: { from: id, to: replicaId(to), ballot: status.ballot } });
    this.#say(`snapshot ${describePosition(applied)} is streamed from ${from} to ${to}`);
  }

  /** The oldest one is there. */
  #arrive(to: number): void {
    const stream = present(
      this.#streams.find(({ envelope }) => envelope.to === to),
      "a stream",
    );
    this.#streams = this.#streams.filter((other) => other !== stream);
    this.#say(`${to} has the snapshot ${describePosition(stream)}`);
    this.#replica(to).receive(
      copyOf(this.#protocol, this.#protocol.installSnapshot(stream.envelope, stream)),
    );
  }

  #report(line: ScriptLine): void {
    const outcome = line.words[2] === "failed" ? "failed" : "delivered";
    this.#with(line, ({ core }) => core.reportSnapshot(replicaId(line.number(1)), outcome));
  }

  #restart(line: ScriptLine): void {
    const replica = this.#replica(line.number(0));
    replica.disk.crash(line.named("kept") ?? 0);
    replica.restart();
  }

  #lose(line: ScriptLine): void {
    const replica = this.#replica(line.number(0));
    replica.disk.crash(0);
    replica.disk.lose(present(line.named("last"), "last"));
    replica.restart();
  }

  /** Lets everything happen that can, in a fixed order, until nothing is left; `[]`: all replicas. */
  #stabilize(ids: readonly number[]): void {
    for (let round = 0; this.#stabilizeOnce(ids); round++)
      if (round === roundsMax) throw new RangeError(`does not come to rest in ${roundsMax} rounds`);
  }

  #stabilizeOnce(ids: readonly number[]): boolean {
    const before = this.#said.length;
    const chosen = this.#chosen(ids);
    for (const replica of chosen) {
      while (replica.disk.writesInFlight > 0) replica.endWrite();
      while (replica.isApplying) replica.apply();
      while (replica.fetches.length > 0) replica.answerFetch();
      for (const to of replica.snapshotsWanted.splice(0)) this.#snapshot(replica, to);
    }
    for (const { id } of chosen)
      this.#deliver(this.#pool.take({ from: undefined, to: id, count: undefined }));
    return this.#said.length > before;
  }

  #snapshot(replica: TranscriptReplica<Message>, to: number): void {
    const { id } = replica;
    this.#stream(id, to);
    const arrives = this.#replicas.has(to) && !this.#pool.isIsolated(to) && !this.#pool.isIsolated(id);
    if (arrives) this.#arrive(to);
    else this.#streams.pop();
    replica.core.reportSnapshot(replicaId(to), arrives ? "delivered" : "failed");
    replica.pump();
  }

  #sayLogs(ids: readonly number[]): void {
    for (const { id, disk } of this.#chosen(ids)) {
      const begin = disk.base.index === 0 ? "" : `behind ${describePosition(disk.base)}: `;
      this.#say(`${id} on disk ${begin}${describeEntries(disk.entries) || "nothing"}`);
    }
  }

  #sayAnswer(answer: ReturnType<TranscriptReplica<Message>["core"]["propose"]> | undefined): void {
    if (answer === undefined) return;
    this.#say(
      answer.kind === "proposed"
        ? `proposed ${describePosition(answer)}`
        : `refused: ${describeRefusal(answer)}`,
    );
  }

  #sayLost(message: Message): void {
    this.#say(`lost: ${this.#protocol.describe(message)}`);
  }

  #with(line: ScriptLine, action: (replica: TranscriptReplica<Message>) => void): void {
    const replica = this.#replica(line.number(0));
    action(replica);
    replica.pump();
  }

  #replica(id: number): TranscriptReplica<Message> {
    return present(this.#replicas.get(id), `replica ${id}`);
  }

  #chosen(ids: readonly number[]): readonly TranscriptReplica<Message>[] {
    return [...this.#replicas.values()].filter(({ id }) => ids.length === 0 || ids.includes(id));
  }

  #say(line: string): void {
    this.#said.push(line);
  }
}

function filterOf(line: ScriptLine): {
  from: number | undefined;
  to: number | undefined;
  count: number | undefined;
} {
  return { from: line.named("from"), to: line.named("to"), count: line.named("count") };
}
