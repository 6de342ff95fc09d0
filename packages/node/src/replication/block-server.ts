/**
 * Answers other nodes' requests for this node's blocks (block-wire.ts), over the local block store.
 *
 * What is durable when: a put is answered "stored" after its block was synced; an epoch is in an answer after its file was.
 * Bodies under way are bounded: a slow disk leaves requests unread, and so pushes back on who sends them.
 */

import { decodeOrNothing, encode } from "@holdfast/base";
import type { Clock, Exchange, Hashing, Journal } from "@holdfast/ports";
import { emptyBody, NetworkError } from "@holdfast/ports";
import { servedBody } from "../network/served-body.ts";
import { ServedRoom } from "../network/served-room.ts";
import type { BlockResult, ListRequest, PutRequest, ReadRequest, StatRequest } from "./block-wire.ts";
import { blockAnswerCodec, blockRequestCodec } from "./block-wire.ts";
import { gatherBody } from "./gather-body.ts";
import type { LocalBlocks } from "./local-blocks.ts";
import type { ReplicationLimits } from "./replication-limits.ts";
import type { RefusalReason, SlotAnswer } from "./slot-answer.ts";

export interface BlockServerPorts {
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly journal: Journal;
}

export class BlockServer {
  readonly #blocks: LocalBlocks;
  readonly #ports: BlockServerPorts;
  readonly #limits: ReplicationLimits;
  readonly #puts: ServedRoom;
  readonly #reads: ServedRoom;

  constructor(blocks: LocalBlocks, ports: BlockServerPorts, limits: ReplicationLimits) {
    this.#blocks = blocks;
    this.#ports = ports;
    this.#limits = limits;
    this.#puts = new ServedRoom(limits.servedPutBytesMax, limits.waitingMax);
    this.#reads = new ServedRoom(limits.servedReadBytesMax, limits.waitingMax);
  }

  /** Bytes of bodies in memory. */
  get heldBytes(): number {
    return this.#puts.bytes + this.#reads.bytes;
  }

  /** As NetworkReceiver.onExchange; from whom does not matter, every node of the cluster may ask. */
  onExchange(request: Exchange, signal: AbortSignal): Promise<Exchange> {
    const asked = decodeOrNothing(blockRequestCodec, request.head);
    switch (asked?.kind) {
      case undefined:
        return Promise.resolve(this.#refusal("not-understood"));
      case "put":
        return this.#put(asked, request.body, signal);
      case "read":
        return this.#read(asked, signal);
      case "stat":
        return this.#stat(asked);
      case "list":
        return this.#list(asked);
    }
  }

  async #put(asked: PutRequest, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Exchange> {
    // Before a byte of the body is asked for; judged again when the block is stored.
    if (this.#blocks.isStale(asked.epoch)) return this.#refusal("stale-epoch");
    const leave = await this.#puts.take(asked.bytes);
    if (leave === undefined) return this.#refusal("busy");
    try {
      signal.throwIfAborted();
      return await this.#store(asked, body);
    } finally {
      leave();
    }
  }

  async #store(asked: PutRequest, chunks: AsyncIterable<Uint8Array>): Promise<Exchange> {
    const { frames } = this.#blocks.store;
    const { hashing } = this.#ports;
    const body = await this.#inTime(chunks, (inTime) => gatherBody(inTime, asked, { frames, hashing }));
    if (body === undefined) return this.#refusal("mismatch");
    try {
      const { id, checksum, epoch } = asked;
      return this.#say(await this.#blocks.put(id, body, checksum, epoch), () => ({ kind: "stored" }));
    } finally {
      frames.recycle(body);
    }
  }

  async #read({ id }: ReadRequest, signal: AbortSignal): Promise<Exchange> {
    const { state, bytes } = this.#blocks.statOf(id);
    if (state !== "whole") return this.#refusal(state === "absent" ? "missing" : "corrupt");
    const leave = await this.#reads.take(bytes);
    if (leave === undefined) return this.#refusal("busy");
    try {
      signal.throwIfAborted();
      const answer = await this.#blocks.read(id);
      if (answer.kind !== "done") {
        leave();
        return this.#say(answer, () => ({ kind: "stored" }));
      }
      const { body, checksum } = answer.value;
      const { head } = this.#say(answer, () => ({ kind: "block", bytes: body.length, checksum }));
      return { head, body: this.#sent(body, leave, signal), bodyBytes: body.length };
    } catch (error) {
      leave();
      throw error;
    }
  }

  async #stat({ ids, epoch }: StatRequest): Promise<Exchange> {
    return this.#say(await this.#blocks.stat(ids, epoch), (stats) => ({ kind: "stats", stats }));
  }

  async #list({ after, limit, epoch }: ListRequest): Promise<Exchange> {
    return this.#say(await this.#blocks.list(after, limit, epoch), (page) => ({ kind: "page", ...page }));
  }

  #say<T>(answer: SlotAnswer<T>, resultOf: (value: T) => BlockResult): Exchange {
    if (answer.kind === "silent") throw new NetworkError("broken", "this node does not answer itself");
    const { standing } = answer;
    const result: BlockResult =
      answer.kind === "done" ? resultOf(answer.value) : { kind: "refused", reason: answer.reason };
    return { head: encode(blockAnswerCodec, { standing, result }), body: emptyBody };
  }

  #refusal(reason: RefusalReason): Exchange {
    return this.#say({ kind: "refused", standing: this.#blocks.standing, reason }, () => ({
      kind: "stored",
    }));
  }

  /** A sender that trickles gives its room back. */
  async #inTime<T>(
    chunks: AsyncIterable<Uint8Array>,
    read: (chunks: AsyncIterable<Uint8Array>) => Promise<T>,
  ): Promise<T> {
    const iterator = chunks[Symbol.asyncIterator]();
    let isLate = false;
    const timer = this.#ports.clock.after(this.#limits.servedBodyMsMax, () => {
      isLate = true;
      void iterator.return?.();
    });
    try {
      const outcome = await read({ [Symbol.asyncIterator]: () => iterator });
      if (isLate) throw new NetworkError("broken", "the body did not come in time");
      return outcome;
    } finally {
      timer.cancel();
      await iterator.return?.();
    }
  }

  #sent(body: Uint8Array, leave: () => void, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { frames } = this.#blocks.store;
    const onEnd = (): void => {
      frames.recycle(body);
      leave();
    };
    return servedBody(body, { clock: this.#ports.clock, signal, msMax: this.#limits.servedBodyMsMax, onEnd });
  }
}
