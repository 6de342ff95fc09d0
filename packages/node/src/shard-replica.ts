/** One shard as this node has it: its log, the state that the log made here, and this run's writer. */

import type { Awaitable, ShardId } from "@holdfast/base";
import { andThen, assert, encode, StoreError } from "@holdfast/base";
import type { Clock, ReplicatedLog, StateReader } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";
import type { ShardCommand, ShardResult } from "@holdfast/shard";
import { listWriters, shardEntryCodec } from "@holdfast/shard";
import { refusal } from "./refusal.ts";
import { untilKnown } from "./until-known.ts";
import { Writer } from "./writer.ts";

/** Whose writers these are: one run of one node. */
export interface WriterRun {
  readonly node: string;
  readonly run: string;
}

export interface ShardReplicaOptions {
  readonly id: ShardId;
  readonly log: ReplicatedLog<ShardResult>;
  readonly state: StateReader;
  readonly clock: Clock;
  readonly run: WriterRun;
  /** This node leads the shard's group, as far as it knows: work that one node has to do is its. */
  readonly leads: () => boolean;
  /** Aborted when the node stops. */
  readonly stopping: AbortSignal;
}

const reopenPauseMs = 200;
/** Longer than an election takes, shorter than people wait. */
const writerWaitMs = 5000;

export class ShardReplica {
  readonly id: ShardId;
  readonly log: ReplicatedLog<ShardResult>;
  readonly #options: ShardReplicaOptions;
  #writer: Writer | undefined;
  #opening: Promise<void> | undefined;

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

  /** The state, showing everything acknowledged before the call; to be used within one synchronous run. */
  read(): Awaitable<StateReader> {
    return andThen(this.log.readBarrier(), () => this.#options.state);
  }

  /** The local state as it is: for background work that proposes what it finds, to be judged in the entry. */
  get localState(): StateReader {
    return this.#options.state;
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
    const earlier = listWriters(await this.read()).filter(({ node }) => node === run.node);
    const closed = earlier.map(({ writer }) => this.propose({ kind: "closeWriter", writer }));
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
