/**
 * Answers other nodes' questions about shards that have a replica here. Every answer is linearizable: it is found behind a read
 * barrier that began after the question had come.
 */

import type { ShardId } from "@holdfast/base";
import { DecodeError, decode, encode, MiB, StoreError } from "@holdfast/base";
import type { Clock, Exchange, Journal, StateReader } from "@holdfast/ports";
import { emptyBody } from "@holdfast/ports";
import { asDamage } from "../damage.ts";
import { servedBody } from "../network/served-body.ts";
import { ServedRoom } from "../network/served-room.ts";
import { wireError } from "../network/wire-error.ts";
import { shardQuestions } from "./questions.ts";
import type { ReadAnswer, ReadRequest } from "./read-wire.ts";
import { answerBytesMax, headAnswerBytesMax, readAnswerCodec, readRequestCodec } from "./read-wire.ts";

/** A replica that is served here. */
export interface ServedShard {
  readonly state: StateReader;
  readBarrier(): Promise<void> | undefined;
  /** It was not given up meanwhile: what is in the state is the shard's. */
  isHere(): boolean;
}

export interface ReadServerPorts {
  readonly served: (shard: ShardId) => ServedShard | undefined;
  readonly clock: Clock;
  readonly journal: Journal;
}

/** Questions that wait for their barrier; beyond, they are refused. */
const askedMax = 10_000;
/** Of long answers on their way out, and how many may wait for that. */
const longBytesMax = 32 * MiB;
const longWaitingMax = 64;
const longMsMax = 10_000;

export class ReadServer {
  readonly #ports: ReadServerPorts;
  readonly #long = new ServedRoom(longBytesMax, longWaitingMax);
  #asked = 0;

  constructor(ports: ReadServerPorts) {
    this.#ports = ports;
  }

  /** As NetworkReceiver.onExchange; every node of the cluster may ask. */
  async onExchange({ head }: Pick<Exchange, "head">, signal: AbortSignal): Promise<Exchange> {
    if (this.#asked >= askedMax) return said(failed(overloaded()));
    this.#asked++;
    try {
      const answer = await this.#answer(decode(readRequestCodec, head));
      return answer.length <= headAnswerBytesMax
        ? said({ kind: "answer", answer })
        : await this.#sendLong(answer, signal);
    } catch (error) {
      return said(failed(this.#known(error)));
    } finally {
      this.#asked--;
    }
  }

  async #answer({ shard, tag, asked }: ReadRequest): Promise<Uint8Array> {
    const question = shardQuestions.get(tag);
    if (question === undefined) throw new DecodeError(`no question has the tag ${tag}`);
    const served = this.#ports.served(shard);
    if (served === undefined) throw notHere(shard);
    await served.readBarrier();
    if (!served.isHere()) throw notHere(shard);
    const answer = question.serve(served.state, asked, shard);
    if (answer.length <= answerBytesMax) return answer;
    throw new StoreError("Internal", `An answer of ${answer.length} bytes is too long.`);
  }

  async #sendLong(answer: Uint8Array, signal: AbortSignal): Promise<Exchange> {
    const leave = await this.#long.take(answer.length);
    if (leave === undefined) throw overloaded();
    const { head } = said({ kind: "long", bytes: answer.length });
    return {
      head,
      bodyBytes: answer.length,
      body: servedBody(answer, { clock: this.#ports.clock, signal, msMax: longMsMax, onEnd: leave }),
    };
  }

  #known(error: unknown): StoreError {
    if (error instanceof StoreError) return error;
    if (error instanceof DecodeError)
      return new StoreError("NotImplemented", `That is no question this node knows: ${error.message}.`);
    const damage = asDamage(error);
    this.#ports.journal.error("question not answered", { cause: String(error) });
    return damage instanceof StoreError
      ? damage
      : new StoreError("Internal", "The node failed. See its log.");
  }
}

function said(answer: ReadAnswer): Exchange {
  return { head: encode(readAnswerCodec, answer), body: emptyBody };
}

function failed(error: StoreError): ReadAnswer {
  return { kind: "failed", error: wireError(error) };
}

function notHere(shard: ShardId): StoreError {
  return new StoreError("Unavailable", `Shard ${shard} has no replica on that node.`);
}

function overloaded(): StoreError {
  return new StoreError("Overloaded", "Too many questions wait on that node. Try again in a moment.");
}
