/** A body between whoever receives its chunks and the one who reads them. */

import { assert } from "@holdfast/base";

export interface BodyQueueOptions {
  /** The reader took a chunk: there may be room for more. */
  readonly onTaken: () => void;
  /** The reader wants no more, before the end came. Called once at most. */
  readonly onGivenUp: () => void;
}

const finished: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

/** Read once, by one reader. Holds whatever is pushed: the one who pushes looks at `queuedBytes` and waits for `onTaken`. */
export class BodyQueue implements AsyncIterableIterator<Uint8Array> {
  readonly #options: BodyQueueOptions;
  #chunks: Uint8Array[] = [];
  #queuedBytes = 0;
  #state: "open" | "ended" | "failed" | "given up" = "open";
  #failure: Error | undefined;
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array, undefined>> | undefined;

  constructor(options: BodyQueueOptions) {
    this.#options = options;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Whether nothing can change any more: it ended and was read, it failed, or nobody wants it. */
  get isOver(): boolean {
    return this.#state === "ended" ? this.#chunks.length === 0 : this.#state !== "open";
  }

  push(chunk: Uint8Array): void {
    if (this.#state !== "open" || chunk.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: chunk });
      this.#options.onTaken();
      return;
    }
    this.#chunks.push(chunk);
    this.#queuedBytes += chunk.length;
  }

  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#waiting?.resolve(finished);
    this.#waiting = undefined;
  }

  /** What was not read yet is dropped: the reader learns at once. */
  fail(error: Error): void {
    if (this.isOver) return;
    this.#state = "failed";
    this.#failure = error;
    this.#drop();
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#queuedBytes -= chunk.length;
      this.#options.onTaken();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#state !== "open") return Promise.resolve(finished);
    assert(this.#waiting === undefined, "one reader at a time");
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.isOver) return Promise.resolve(finished);
    this.#state = "given up";
    this.#drop();
    this.#waiting?.resolve(finished);
    this.#waiting = undefined;
    this.#options.onGivenUp();
    return Promise.resolve(finished);
  }

  #drop(): void {
    this.#chunks = [];
    this.#queuedBytes = 0;
  }
}
