/**
 * One shard as this node has it: its log, the state that the log made here, and this run's writer. It is asked here when there is a
 * replica that has caught up, and at its other homes otherwise.
 */

import type { Awaitable, ShardId } from "@holdfast/base";
import { andThen, assert, encode, StoreError } from "@holdfast/base";
import type { Clock, ReplicatedLog, StateReader } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";
import type { ShardCommand, ShardResult } from "@holdfast/shard";
import { shardEntryCodec } from "@holdfast/shard";
import { refusal } from "./refusal.ts";
import { writersQuestion } from "./shard-reads/content-questions.ts";
import type { RemoteReads } from "./shard-reads/remote-reads.ts";
import type { ShardQuestion, ShardReads } from "./shard-reads/shard-question.ts";
import { untilKnown } from "./until-known.ts";
import { Writer } from "./writer.ts";

/** Whose writers these are: one run of one node. */
export interface WriterRun {
  readonly node: string;
  readonly run: string;
}

/** How a shard lives in a cluster. */
export interface ShardHomes {
  /** The replica on this node, another one each time it gets one. */
  readonly replica: () => object | undefined;
  readonly reads: Pick<RemoteReads, "ask" | "hasHome">;
}

export interface ShardReplicaOptions {
  readonly id: ShardId;
  readonly log: ReplicatedLog<ShardResult>;
  readonly state: StateReader;
  readonly clock: Clock;
  readonly run: WriterRun;
  /** This node leads the shard's group, as far as it knows: work that one node has to do is its. */
  readonly leads: () => boolean;
  /** Without them the shard is on this node alone. */
  readonly homes?: ShardHomes;
  /** Aborted when the node stops. */
  readonly stopping: AbortSignal;
}

const reopenPauseMs = 200;
/** Longer than an election takes, shorter than people wait. */
const writerWaitMs = 5000;

export class ShardReplica implements ShardReads {
  readonly id: ShardId;
  readonly log: ReplicatedLog<ShardResult>;
  readonly #options: ShardReplicaOptions;
  #writer: Writer | undefined;
  #opening: Promise<void> | undefined;
  /** The replica here that has caught up with its group once, and the one that is being looked at. */
  #caughtUp: object | undefined;
  #catchingUp: object | undefined;

  constructor(options: ShardReplicaOptions) {
    this.id = options.id;
    this.log = options.log;
    this.#options = options;
  }

  get leads(): boolean {
    return this.#options.leads();
  }

  get hasWriter(): boolean {
    return this.#writer !== undefined;
  }

  /** Throws StoreError "Unavailable" while there is none: it is being opened. */
  get writer(): Writer {
    if (this.#writer !== undefined) return this.#writer;
    void this.writerOpened();
    throw new StoreError("Unavailable", "The shard has no leader at the moment. Try again in a moment.");
  }

  /** Resolves when this run has a writer here, which takes a leader; or when the node stops. Never rejects. */
  writerOpened(): Promise<void> {
    this.#opening ??= this.#openUntilDone().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** As `writerOpened`, or when a request has waited long enough. */
  async writerSoon(): Promise<void> {
    const { clock } = this.#options;
    const waited = new AbortController();
    await Promise.race([this.writerOpened(), sleep(clock, writerWaitMs, waited.signal)]);
    waited.abort();
  }

  /** A command that does no harm when it is carried out twice. Refusals become StoreErrors. */
  async propose(command: ShardCommand): Promise<ShardResult> {
    const { clock } = this.#options;
    const entry = encode(shardEntryCodec, { timeMs: clock.wallMs(), command });
    const { result } = await untilKnown(this.#options, () => this.log.append(entry));
    if (result.kind === "refused") throw refusal(result.code, result.subject);
    return result;
  }

  ask<Asked, Answer>(question: ShardQuestion<Asked, Answer>, asked: Asked): Awaitable<Answer> {
    if (!this.isReadHere) return this.#askElsewhere(question, asked);
    const barrier = this.log.readBarrier();
    if (barrier === undefined) return this.#find(question, asked);
    return barrier.then(
      () => this.#find(question, asked),
      (error: unknown) => this.#askElsewhere(question, asked, error),
    );
  }

  /** This node has a replica, whatever it knows. */
  get isHere(): boolean {
    const { homes } = this.#options;
    return homes === undefined || homes.replica() !== undefined;
  }

  /**
   * Questions are answered from the state here. A replica that has just come waits until it has caught up once: its barrier may take
   * as long as a snapshot.
   */
  get isReadHere(): boolean {
    const { homes } = this.#options;
    if (homes === undefined) return true;
    const replica = homes.replica();
    if (replica === undefined) return false;
    if (replica === this.#caughtUp) return true;
    this.#catchUp(replica);
    return replica === this.#caughtUp || !homes.reads.hasHome(this.id);
  }

  /**
   * The state here, showing everything acknowledged before the call; to be used within one synchronous run. Rejects without a
   * replica.
   */
  read(): Awaitable<StateReader> {
    return andThen(this.log.readBarrier(), () => this.#options.state);
  }

  /** The local state as it is: for background work that proposes what it finds, to be judged in the entry. */
  get localState(): StateReader {
    return this.#options.state;
  }

  /** A state that is found damaged by this ends the replica here (S12): then another home is asked. */
  #find<Asked, Answer>(question: ShardQuestion<Asked, Answer>, asked: Asked): Awaitable<Answer> {
    try {
      return question.answerFrom(this.#options.state, asked, this.id);
    } catch (error) {
      if (this.isHere) throw error;
      return this.#askElsewhere(question, asked, error);
    }
  }

  /** `error`: what the replica here said. */
  #askElsewhere<Asked, Answer>(
    question: ShardQuestion<Asked, Answer>,
    asked: Asked,
    error?: unknown,
  ): Promise<Answer> {
    const { homes } = this.#options;
    if (homes === undefined || (error !== undefined && !homes.reads.hasHome(this.id)))
      return Promise.reject(error);
    return homes.reads.ask(this.id, question, asked);
  }

  #catchUp(replica: object): void {
    if (this.#catchingUp === replica) return;
    this.#catchingUp = replica;
    const barrier = this.log.readBarrier();
    const onReached = (): void => {
      this.#caughtUp = replica;
    };
    const onFailure = (): void => {
      // Whoever asks next has it looked at again.
      if (this.#catchingUp === replica) this.#catchingUp = undefined;
    };
    if (barrier === undefined) onReached();
    else barrier.then(onReached, onFailure);
  }

  async #openUntilDone(): Promise<void> {
    const { clock, stopping } = this.#options;
    while (this.#writer === undefined && !stopping.aborted) {
      try {
        this.#writer = await this.#openWriter();
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        await sleep(clock, reopenPauseMs, stopping);
      }
    }
  }

  /** And closes those of earlier runs of this node: the directory lock says that none of them runs any more. */
  async #openWriter(): Promise<Writer> {
    const { run, clock, stopping } = this.#options;
    const earlier = await this.ask(writersQuestion, { node: run.node });
    const closed = earlier.map((writer) => this.propose({ kind: "closeWriter", writer }));
    const [opened] = await Promise.all([this.propose({ kind: "openWriter", ...run }), ...closed]);
    assert(opened.kind === "writerOpened", "openWriter opens a writer");
    const onClosed = (): void => this.#onWriterClosed(opened.writer);
    return new Writer(opened.writer, { shard: this.id, log: this.log, clock, stopping, onClosed });
  }

  /** S4: whoever finds itself closed fails what it had under way, and goes on under another number. */
  #onWriterClosed(number: Writer["id"]): void {
    if (this.#writer?.id !== number) return;
    this.#writer = undefined;
    void this.writerOpened();
  }
}
