/**
 * The body of one request as it comes off the socket. Nothing is taken from the connection until somebody reads, and
 * the socket is paused while `queueBytesMax` bytes wait for the reader: that is how a slow store slows the sender.
 * A body that did not arrive whole always ends in an error, never in a short success.
 */

import type { IncomingMessage } from "node:http";
import { assert, concatBytes, emptyBytes, StoreError } from "@holdfast/base";
import type { ByteStream } from "@holdfast/ports";
import { countFreshBytes } from "../young-memory.ts";
import { smallBodyBytesMax } from "./limits.ts";

/** One read: what waits for a slow disk lives long, and only a look at the whole heap frees it. */
const queueBytesMax = 64 * 1024;

interface Waiting {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (error: Error) => void;
}

const finished: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

export class RequestBody implements AsyncIterableIterator<Uint8Array, undefined>, ByteStream {
  readonly #message: IncomingMessage;
  /** Tells a client that waits for it to go on (Expect: 100-continue). */
  readonly #sendContinue: (() => void) | undefined;
  /** Declared length; undefined when chunked. */
  readonly #declaredBytes: number | undefined;
  #receivedBytes = 0;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #waiting: Waiting | undefined;
  #state: "unread" | "reading" | "ended" | "failed" | "released" = "unread";
  #failure: StoreError | undefined;
  #begun = false;
  #receivedBytesBefore = 0;
  #wasWaiting = false;
  #slowRounds = 0;

  constructor(message: IncomingMessage, sendContinue: (() => void) | undefined) {
    this.#message = message;
    this.#sendContinue = sendContinue;
    const declared = message.headers["content-length"];
    const chunked = message.headers["transfer-encoding"] !== undefined;
    this.#declaredBytes = chunked ? undefined : declared === undefined ? 0 : Number(declared);
    if (this.#declaredBytes === 0) this.#state = "ended";
  }

  /** Whether the client was asked to wait for a continue that it never got: it may or may not send the body. */
  get isWithheld(): boolean {
    return this.#sendContinue !== undefined && !this.#begun;
  }

  /** It did not come whole, and the rest never will. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** As they came off the connection. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** What the client has still to send, as far as it is known. */
  get missingBytes(): number {
    if (this.#message.complete) return 0;
    return this.#declaredBytes === undefined
      ? Number.POSITIVE_INFINITY
      : this.#declaredBytes - this.#receivedBytes;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  takeWhole(bytesMax: number): Uint8Array | undefined {
    if (this.#declaredBytes === undefined || this.#declaredBytes > bytesMax) return undefined;
    if (this.#state === "unread") this.#begin();
    return this.#state === "ended" ? (this.#take() ?? emptyBytes) : undefined;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#state === "unread") this.#begin();
    if (this.#state === "released")
      return Promise.reject(
        new StoreError("IncompleteBody", "The request was answered before its body was read."),
      );
    const gathering = this.#state === "reading" && this.#isSmall();
    const chunk = gathering ? undefined : this.#take();
    if (chunk !== undefined) return Promise.resolve({ done: false, value: chunk });
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#state === "ended") return Promise.resolve(finished);
    assert(this.#waiting === undefined, "one reader at a time");
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** The reader wants no more. What is still to come is dealt with when the answer is sent. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#state === "reading") this.#message.pause();
    this.#drop();
    return Promise.resolve(finished);
  }

  /** Drops what was not read and lets the rest run through, so that the next request of the connection is reached. */
  release(): void {
    this.#drop();
    if (!this.#message.readableEnded) this.#message.resume();
  }

  /**
   * To be called at even times: counts the rounds in a row in which the reader waited all along and fewer than `bytesMin`
   * came, and gives the body up after `roundsMax` of them.
   */
  judgePace(bytesMin: number, roundsMax: number): void {
    const isWaiting = this.#state === "reading" && this.#waiting !== undefined;
    const isSlow =
      isWaiting && this.#wasWaiting && this.#receivedBytes - this.#receivedBytesBefore < bytesMin;
    this.#slowRounds = isSlow ? this.#slowRounds + 1 : 0;
    this.#wasWaiting = isWaiting;
    this.#receivedBytesBefore = this.#receivedBytes;
    if (this.#slowRounds >= roundsMax)
      this.#fail(
        new StoreError(
          "RequestTimeout",
          "The client sent next to nothing for too long; send the request again.",
        ),
      );
  }

  /** What arrives from here on is no part of a body. */
  break(reason: string): void {
    if (this.#message.complete || this.#failure !== undefined) return;
    this.#fail(new StoreError("IncompleteBody", reason));
  }

  #drop(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    if (this.#state !== "ended" && this.#state !== "failed") this.#state = "released";
  }

  #isSmall(): boolean {
    return this.#declaredBytes !== undefined && this.#declaredBytes <= smallBodyBytesMax;
  }

  #begin(): void {
    this.#state = "reading";
    this.#begun = true;
    if (this.#message.destroyed && !this.#message.readableEnded) return this.#onClose();
    this.#sendContinue?.();
    // A small body mostly came in one packet with its headers: take it without a single listener.
    if (this.#isSmall()) {
      const first: Uint8Array | null = this.#message.read();
      if (first !== null) this.#queueUp(first);
      if (this.#receivedBytes === this.#declaredBytes) {
        this.#state = "ended";
        return;
      }
    }
    this.#message.on("data", (chunk: Uint8Array) => this.#onData(chunk));
    this.#message.on("end", () => this.#onEnd());
    this.#message.on("close", () => this.#onClose());
    this.#message.on("timeout", () => this.#onTimeout());
  }

  #queueUp(chunk: Uint8Array): void {
    this.#receivedBytes += chunk.length;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
  }

  #take(): Uint8Array | undefined {
    const chunk = this.#queue.shift();
    if (chunk === undefined) return undefined;
    this.#queuedBytes -= chunk.length;
    if (this.#state === "reading" && this.#queuedBytes < queueBytesMax && this.#message.isPaused())
      this.#message.resume();
    return chunk;
  }

  #onData(chunk: Uint8Array): void {
    countFreshBytes(chunk.length);
    if (this.#state !== "reading") {
      this.#receivedBytes += chunk.length;
      return;
    }
    const waiting = this.#waiting;
    if (waiting !== undefined && !this.#isSmall()) {
      this.#receivedBytes += chunk.length;
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: chunk });
      return;
    }
    this.#queueUp(chunk);
    if (this.#queuedBytes >= queueBytesMax && !this.#isSmall()) this.#message.pause();
  }

  #onEnd(): void {
    if (this.#state !== "reading") return;
    this.#state = "ended";
    if (this.#isSmall()) this.#queue = [concatBytes(this.#queue)];
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    const chunk = this.#take();
    waiting.resolve(chunk === undefined ? finished : { done: false, value: chunk });
  }

  #onClose(): void {
    if (this.#state !== "reading" || this.#message.complete) return;
    this.#fail(new StoreError("IncompleteBody", "The connection ended before the whole body had arrived."));
  }

  #onTimeout(): void {
    if (this.#state !== "reading" || this.#waiting === undefined) return;
    this.#fail(
      new StoreError("RequestTimeout", "The client sent nothing for too long; send the request again."),
    );
  }

  #fail(failure: StoreError): void {
    this.#state = "failed";
    this.#failure = failure;
    this.#queue = [];
    this.#queuedBytes = 0;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(failure);
  }
}
