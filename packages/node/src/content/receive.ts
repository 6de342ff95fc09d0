/**
 * A body on its way in: small ones are gathered for the log entry, larger ones are cut into blocks that are stored,
 * durably, while the rest is still arriving. Memory per body is bounded by `blocksInFlightMax` blocks and the one that
 * is being filled; a slow disk pushes back on the sender. Blocks that are durable and not settled are for who stores them to bound.
 */

import { concatBytes, crc32Combine, StoreError } from "@holdfast/base";
import type { BlockFrames } from "@holdfast/blocks";
import type { Abortable, Hashing } from "@holdfast/ports";
import type { IncomingBody } from "../files/interface.ts";
import type { ReceivedBody } from "./body-digests.ts";
import { digestsAtOnce, judgeDigests, StreamedDigests } from "./body-digests.ts";

const blocksInFlightMax = 3;

export interface ReceiveOptions {
  readonly hashing: Hashing;
  /** Bodies up to this length are handed back whole; a negative number streams even the empty one. */
  readonly inlineBytesMax: number;
  readonly blockBytes: number;
  readonly frames: BlockFrames;
  readonly bytesMax: number;
  readonly signal: Abortable | undefined;
}

export type StoreBlock = (sequence: number, block: Uint8Array, crc32: number) => StoringBlock;

export interface StoringBlock {
  /** Rejects when it cannot be stored. The sender is pushed back by this alone. */
  readonly durable: Promise<unknown>;
  /** When nobody reads the block any more, so that its memory may be used again: slots that are slow may be at it still. */
  readonly settled: Promise<void>;
}

export type Received =
  | { readonly kind: "inline"; readonly body: Uint8Array; readonly received: ReceivedBody }
  | { readonly kind: "streamed"; readonly received: ReceivedBody };

/** A body that came whole and stays inline, checked as `receive` does; undefined when there is more to it than that. */
export function receiveAtOnce(body: IncomingBody, options: ReceiveOptions): Received | undefined {
  const whole = body.chunks.takeWhole?.(Math.min(options.inlineBytesMax, options.bytesMax));
  if (whole === undefined) return undefined;
  if (body.bytes !== undefined && whole.length !== body.bytes) throw incomplete(body.bytes, whole.length);
  return inline(body, options, whole);
}

function inline(body: IncomingBody, { hashing }: ReceiveOptions, whole: Uint8Array): Received {
  return { kind: "inline", body: whole, received: digestsAtOnce(hashing, body, whole) };
}

/**
 * Reads the body to its end and checks its length and digests; on any failure it rejects, after every block that was under
 * way is durable or failed. `store` is called for each block of a body that is not inline.
 */
export async function receive(
  body: IncomingBody,
  options: ReceiveOptions,
  store: StoreBlock,
): Promise<Received> {
  if (body.bytes !== undefined && body.bytes > options.bytesMax) throw tooLarge(options.bytesMax);
  const head: Uint8Array[] = [];
  let bytes = 0;
  let stream: BlockStream | undefined;
  try {
    for await (const chunk of body.chunks) {
      options.signal?.throwIfAborted();
      bytes += chunk.length;
      checkLength(body, bytes, options.bytesMax);
      if (stream === undefined && bytes <= options.inlineBytesMax) {
        head.push(chunk);
        continue;
      }
      if (stream === undefined) {
        stream = new BlockStream(store, body, options);
        for (const early of head) await stream.add(early);
      }
      await stream.add(chunk);
      body.chunks.recycle?.(chunk);
    }
    if (body.bytes !== undefined && bytes !== body.bytes) throw incomplete(body.bytes, bytes);
    if (stream === undefined && bytes <= options.inlineBytesMax)
      return inline(body, options, concatBytes(head));
    stream ??= new BlockStream(store, body, options);
    return { kind: "streamed", received: await stream.finish(bytes) };
  } catch (error) {
    await stream?.abandon();
    throw error;
  }
}

class BlockStream {
  readonly #store: StoreBlock;
  readonly #body: IncomingBody;
  readonly #options: ReceiveOptions;
  readonly #digests: StreamedDigests;
  readonly #underWay: Promise<unknown>[] = [];
  /** What is being filled. */
  #block: Uint8Array | undefined;
  #filled = 0;
  #sequence = 0;
  #crc32 = 0;

  constructor(store: StoreBlock, body: IncomingBody, options: ReceiveOptions) {
    this.#store = store;
    this.#body = body;
    this.#options = options;
    this.#digests = new StreamedDigests(options.hashing, body);
  }

  async add(chunk: Uint8Array): Promise<void> {
    const { frames, blockBytes } = this.#options;
    let rest = chunk;
    while (rest.length > 0) {
      this.#block ??= frames.take(blockBytes);
      const piece = rest.subarray(0, blockBytes - this.#filled);
      frames.fill(this.#block, this.#filled, piece);
      this.#filled += piece.length;
      rest = rest.subarray(piece.length);
      if (this.#filled === blockBytes) await this.#send(this.#block);
    }
  }

  async finish(bytes: number): Promise<ReceivedBody> {
    if (this.#block !== undefined) await this.#send(this.#block);
    await Promise.all(this.#underWay);
    const digests = await this.#digests.finish(this.#crc32);
    return judgeDigests(this.#body, { bytes, crc32: this.#crc32 }, digests);
  }

  async abandon(): Promise<void> {
    this.#digests.cancel();
    if (this.#block !== undefined) this.#options.frames.recycle(this.#block);
    await Promise.allSettled(this.#underWay);
  }

  async #send(memory: Uint8Array): Promise<void> {
    const { frames, hashing } = this.#options;
    const block = memory.subarray(0, this.#filled);
    this.#block = undefined;
    this.#filled = 0;
    const crc32 = hashing.crc32(block);
    this.#crc32 = crc32Combine(this.#crc32, crc32, block.length);
    const { durable, settled } = this.#store(this.#sequence++, block, crc32);
    const digested = this.#digests.update(block);
    // A digest that was cancelled may be at it still: it is hashing for nobody.
    void Promise.allSettled([settled, digested]).then(() => frames.recycle(block));
    const stored = Promise.all([durable, digested]);
    stored.catch(() => undefined); // Awaited below or in finish; until then it must not count as unhandled.
    this.#underWay.push(stored);
    if (this.#underWay.length >= blocksInFlightMax) await this.#underWay.shift();
  }
}

function checkLength(body: IncomingBody, bytes: number, bytesMax: number): void {
  if (body.bytes !== undefined && bytes > body.bytes) throw incomplete(body.bytes, bytes);
  if (bytes > bytesMax) throw tooLarge(bytesMax);
}

function incomplete(declared: number, bytes: number): StoreError {
  const found = bytes > declared ? "more" : `only ${bytes}`;
  return new StoreError(
    "IncompleteBody",
    `The request declared ${declared} bytes, but ${found} arrived. Send it again.`,
    {
      fields: { declared },
    },
  );
}

function tooLarge(bytesMax: number): StoreError {
  return new StoreError(
    "BodyTooLarge",
    `A single request carries at most ${bytesMax} bytes; upload larger files in parts.`,
    {
      fields: { bytesMax },
    },
  );
}
