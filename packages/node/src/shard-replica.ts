/** One shard on this node: its log, the state that the log made, and this run's writer. */

import type { Awaitable, ShardId } from "@holdfast/base";
import { andThen, assert, encode } from "@holdfast/base";
import type { Clock, ReplicatedLog, StateReader } from "@holdfast/ports";
import type { ShardCommand, ShardResult } from "@holdfast/shard";
import { shardEntryCodec } from "@holdfast/shard";
import { refusal } from "./refusal.ts";
import { Writer } from "./writer.ts";

export class ShardReplica {
  readonly id: ShardId;
  readonly log: ReplicatedLog<ShardResult>;
  readonly #state: StateReader;
  readonly #clock: Clock;
  #writer: Writer | undefined;

  constructor(id: ShardId, log: ReplicatedLog<ShardResult>, state: StateReader, clock: Clock) {
    this.id = id;
    this.log = log;
    this.#state = state;
    this.#clock = clock;
  }

  get writer(): Writer {
    assert(this.#writer !== undefined, "writer opened at start");
    return this.#writer;
  }

  async openWriter(node: string, run: string): Promise<void> {
    const result = await this.propose({ kind: "openWriter", node, run });
    assert(result.kind === "writerOpened", "openWriter opens a writer");
    this.#writer = new Writer(result.writer, this.id, this.log, this.#clock);
  }

  /** A command that needs no attempt number, being idempotent by itself. Refusals become StoreErrors. */
  async propose(command: ShardCommand): Promise<ShardResult> {
    const { result } = await this.log.append(
      encode(shardEntryCodec, { timeMs: this.#clock.wallMs(), command }),
    );
    if (result.kind === "refused") throw refusal(result.code, result.subject);
    return result;
  }

  /** The state, showing everything acknowledged before the call; to be used within one synchronous run. */
  read(): Awaitable<StateReader> {
    return andThen(this.log.readBarrier(), () => this.#state);
  }

  /** The local state as it is: for background work that proposes what it finds, to be judged in the entry. */
  get localState(): StateReader {
    return this.#state;
  }
}
