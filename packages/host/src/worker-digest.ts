/**
 * A digest that begins here and moves to a worker when it turns out to be long: what fits into the first chunk is
 * hashed on this thread at the end, as handing it over would cost more.
 *
 * Data is copied into chunks that are transferred to the worker and come back empty; shared memory is handed over as
 * it is. At most `chunksAheadMax` chunks are under way: `update` waits for the worker beyond that, which is what slows
 * down a sender, and bounds the memory of each digest.
 */

import { assert } from "@holdfast/base";
import type { BulkDigest, Digest, DigestAlgorithm } from "@holdfast/ports";
import type { DigestChannel, DigestListener, DigestPool } from "./digest-pool.ts";

const chunkBytes = 256 * 1024;
const chunksAheadMax = 2;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Data that an update has taken over; resolves when the caller may change its memory. */
interface Taken {
  readonly released: Promise<void> | undefined;
}

const copied: Taken = { released: undefined };

export class WorkerDigest implements BulkDigest, DigestListener {
  readonly #algorithm: DigestAlgorithm;
  readonly #pool: DigestPool;
  readonly #beginInline: (algorithm: DigestAlgorithm) => Digest;
  #channel: DigestChannel | undefined;
  /** Small pieces before the first chunk is full; afterwards unused. */
  #pieces: Uint8Array[] = [];
  #chunk: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #chunksAhead = 0;
  /** Updates and the finish run one behind the other. */
  #last: Promise<unknown> = Promise.resolve();
  #roomWaiter: Waiter | undefined;
  /** Who waits for shared memory that the worker reads, in the order of the updates. */
  readonly #borrowed: Waiter[] = [];
  #resultWaiter:
    | { readonly resolve: (digest: Uint8Array) => void; readonly reject: (error: Error) => void }
    | undefined;
  #failure: Error | undefined;
  #ended = false;

  constructor(
    algorithm: DigestAlgorithm,
    pool: DigestPool,
    beginInline: (algorithm: DigestAlgorithm) => Digest,
  ) {
    this.#algorithm = algorithm;
    this.#pool = pool;
    this.#beginInline = beginInline;
  }

  async update(data: Uint8Array): Promise<void> {
    assert(!this.#ended, "digest is finished or cancelled");
    const { released } = await this.#inOrder(() => this.#take(data));
    await released;
  }

  finish(): Promise<Uint8Array> {
    assert(!this.#ended, "digest is finished or cancelled");
    this.#ended = true;
    return this.#inOrder(() => this.#finishNow());
  }

  cancel(): void {
    this.#ended = true;
    this.#fail(new Error("digest was cancelled"));
  }

  onUpdated(data: Uint8Array): void {
    this.#chunksAhead--;
    if (data.buffer instanceof SharedArrayBuffer) this.#borrowed.shift()?.resolve();
    if (data.buffer instanceof ArrayBuffer && this.#spare.length < chunksAheadMax)
      this.#spare.push(new Uint8Array(data.buffer));
    this.#roomWaiter?.resolve();
    this.#roomWaiter = undefined;
  }

  onFinished(digest: Uint8Array): void {
    this.#channel = undefined;
    this.#resultWaiter?.resolve(digest);
  }

  onFailed(error: Error): void {
    this.#fail(error);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#channel?.cancel();
    this.#channel = undefined;
    this.#pieces = [];
    this.#chunk = undefined;
    this.#roomWaiter?.reject(error);
    for (const { reject } of this.#borrowed.splice(0)) reject(error);
    this.#resultWaiter?.reject(error);
  }

  #inOrder<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return action();
    });
    // A failure is told to whoever waits for that call; the next finds it in #failure.
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #take(data: Uint8Array): Promise<Taken> {
    if (this.#channel === undefined) {
      if (this.#filled + data.length <= chunkBytes) {
        // Not `slice`: of a Buffer, that is a view.
        this.#pieces.push(new Uint8Array(data));
        this.#filled += data.length;
        return copied;
      }
      await this.#moveToWorker();
    }
    if (data.buffer instanceof SharedArrayBuffer) return this.#sendShared(data);
    await this.#copyIn(data);
    return copied;
  }

  async #moveToWorker(): Promise<void> {
    this.#channel = this.#pool.begin(this.#algorithm, this);
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#filled = 0;
    for (const piece of pieces) await this.#copyIn(piece);
  }

  async #copyIn(data: Uint8Array): Promise<void> {
    for (let taken = 0; taken < data.length; ) {
      this.#chunk ??= this.#spare.pop() ?? new Uint8Array(new ArrayBuffer(chunkBytes));
      const part = data.subarray(taken, taken + chunkBytes - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled === chunkBytes) await this.#sendChunk();
    }
  }

  async #sendChunk(): Promise<void> {
    const chunk = this.#chunk;
    if (chunk === undefined || this.#filled === 0) return;
    this.#chunk = undefined;
    const data = chunk.subarray(0, this.#filled);
    this.#filled = 0;
    await this.#send(data);
  }

  /** The next update need not wait until the worker is done with this one, or it would stand still between two. */
  async #sendShared(data: Uint8Array): Promise<Taken> {
    await this.#sendChunk();
    await this.#send(data);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined); // Awaited by the caller of update, a little later.
    this.#borrowed.push({ resolve, reject });
    return { released: promise };
  }

  async #send(data: Uint8Array): Promise<void> {
    await this.#waitFor(chunksAheadMax - 1);
    this.#chunksAhead++;
    this.#channel?.update(data);
  }

  /** Until at most so many chunks are under way. */
  async #waitFor(chunks: number): Promise<void> {
    while (this.#chunksAhead > chunks) {
      await new Promise<void>((resolve, reject) => {
        this.#roomWaiter = { resolve, reject };
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #finishNow(): Promise<Uint8Array> {
    if (this.#channel === undefined) {
      const digest = this.#beginInline(this.#algorithm);
      for (const piece of this.#pieces) digest.update(piece);
      return digest.finish();
    }
    await this.#sendChunk();
    return new Promise((resolve, reject) => {
      this.#resultWaiter = { resolve, reject };
      this.#channel?.finish();
    });
  }
}
