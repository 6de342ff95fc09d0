/**
 * Asks shards that have no replica on this node, or none that has caught up: of the shard's homes one that lives, and the next
 * one when it is silent or cannot say. Asking twice does no harm.
 */

import type { NodeId, ShardId } from "@holdfast/base";
import { DecodeError, decode, encode, StoreError } from "@holdfast/base";
import type { Clock, Network } from "@holdfast/ports";
import { emptyBody, NetworkError, sleep } from "@holdfast/ports";
import { storeError } from "../network/wire-error.ts";
import { NodeTrust } from "../replication/node-trust.ts";
import { readAnswerCodec, readRequestCodec } from "./read-wire.ts";
import type { ShardQuestion } from "./shard-question.ts";

export interface RemoteReadsOptions {
  readonly network: Network;
  readonly clock: Clock;
  /** Where replicas of the shard are, as far as is known. */
  readonly homes: (shard: ShardId) => readonly NodeId[];
  /** Whether the node was heard of lately. */
  readonly isLive: (node: NodeId) => boolean;
  /** Aborted when the node stops. */
  readonly stopping: AbortSignal;
}

/** Longer than a home needs while its group elects a leader. */
const waitMs = 5000;
/** One home's time, while there are others. */
const attemptMs = 1500;
const pauseMsMin = 10;
const pauseMsMax = 200;
const suspicion = { suspicionMsMin: 500, suspicionMsMax: 10_000 };

export class RemoteReads {
  readonly #options: RemoteReadsOptions;
  readonly #trust: NodeTrust;
  /** By shard: who answered last. */
  readonly #answered = new Map<ShardId, NodeId>();

  constructor(options: RemoteReadsOptions) {
    this.#options = options;
    this.#trust = new NodeTrust(options.clock, suspicion);
  }

  /** Whether there is anybody to ask. */
  hasHome(shard: ShardId): boolean {
    return this.#homes(shard).length > 0;
  }

  /** Rejects with StoreError: "Unavailable" when no home answered in time, otherwise what the last one said. */
  async ask<Asked, Answer>(
    shard: ShardId,
    question: ShardQuestion<Asked, Answer>,
    asked: Asked,
  ): Promise<Answer> {
    const { clock, stopping } = this.#options;
    const request = { shard, tag: question.tag, asked: encode(question.asked, asked) };
    const head = encode(readRequestCodec, request);
    const endsAtMs = clock.monotonicMs() + waitMs;
    let failure = new StoreError("Unavailable", `No home of shard ${shard} is known here. Try again.`);
    for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
      for (const home of this.#inOrder(shard)) {
        const leftMs = endsAtMs - clock.monotonicMs();
        if (leftMs <= 0 || stopping.aborted) throw failure;
        try {
          const answer = decode(
            question.answer,
            await this.#askHome(home, head, Math.min(attemptMs, leftMs)),
          );
          this.#trust.onAnswer(home);
          this.#answered.set(shard, home);
          return answer;
        } catch (error) {
          failure = failureOf(error, home);
          this.#trust.onTrouble(home);
          if (this.#answered.get(shard) === home) this.#answered.delete(shard);
        }
      }
      const isOver = stopping.aborted || clock.monotonicMs() + pauseMs >= endsAtMs;
      if (!failure.retryable || isOver) throw failure;
      await sleep(clock, pauseMs, stopping);
    }
  }

  #homes(shard: ShardId): readonly NodeId[] {
    const { homes, network } = this.#options;
    return homes(shard).filter((node) => node !== network.self);
  }

  /** Who answered last, then those that live, those in doubt and those that seem dead. */
  #inOrder(shard: ShardId): readonly NodeId[] {
    const last = this.#answered.get(shard);
    const rank = (node: NodeId): number => {
      if (!this.#options.isLive(node)) return 3;
      if (this.#trust.isInDoubt(node)) return 2;
      return node === last ? 0 : 1;
    };
    return [...new Set(this.#homes(shard))].sort((a, b) => rank(a) - rank(b));
  }

  async #askHome(home: NodeId, head: Uint8Array, deadlineMs: number): Promise<Uint8Array> {
    const controller = new AbortController();
    const timer = this.#options.clock.after(deadlineMs, () => controller.abort());
    try {
      const answer = await this.#options.network.exchange(home, { head, body: emptyBody }, controller.signal);
      const said = decode(readAnswerCodec, answer.head);
      switch (said.kind) {
        case "answer":
          return said.answer;
        case "long":
          return await gathered(answer.body, said.bytes);
        case "failed":
          throw storeError(said.error);
      }
    } finally {
      timer.cancel();
    }
  }
}

/** The body, of exactly this length. */
async function gathered(chunks: AsyncIterable<Uint8Array>, bytes: number): Promise<Uint8Array> {
  const body = new Uint8Array(bytes);
  let filled = 0;
  for await (const chunk of chunks) {
    if (filled + chunk.length > bytes) throw new DecodeError("an answer that is longer than it says");
    body.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled < bytes) throw new DecodeError("an answer that is shorter than it says");
  return body;
}

/** Nothing was changed, whatever happened: a question changes nothing. */
function failureOf(cause: unknown, home: NodeId): StoreError {
  if (cause instanceof StoreError) return cause;
  if (cause instanceof NetworkError)
    return new StoreError("Unavailable", `Node ${home} does not answer. Try again in a moment.`, { cause });
  if (cause instanceof DecodeError) {
    const message = `Node ${home} answered what cannot be read: it may run a newer program.`;
    return new StoreError("Unavailable", message, { cause });
  }
  throw cause;
}
