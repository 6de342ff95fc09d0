/**
 * The client's side of one multiplexed stream (docs/internals/stream.md): operations that are begun in one turn leave in one
 * message, and their answers come in any order. What the stream's end means for an operation is told by its failure: "nothing"
 * of it was sent, or "all", and then nobody knows what became of it.
 */

import type { AnswerFrame, ClientFrame, Fields, ServerFrame, Sha256, StreamHello } from "@holdfast/base";
import {
  clientFrameCodec,
  DecodeError,
  decodeStreamHello,
  emptyBytes,
  IncomingMessages,
  OutgoingMessages,
  serverFrameCodec,
  streamKeys,
  streamLimits,
} from "@holdfast/base";
import type { ChannelListener, MessageChannel } from "./message-channel.ts";
import type { Streaming } from "./platform.ts";
import type { StreamedOperation } from "./streamed-operation.ts";
import type { TransportResponse } from "./transport.ts";
import { TransportFailure } from "./transport.ts";

/** Names and fields: `Streams` sends nothing else this way. */
const operationHeadBytesMax = streamLimits.headBytesMax + 4096;
/** Bodies of operations that are not answered; others wait. */
const bodiesBytesMax = 4 * 1024 * 1024;

export interface OperationStreamOptions {
  readonly streaming: Streaming;
  readonly sha256: Sha256;
  readonly secretKey: string;
  /** In lower-case hex, as it stands in the query. */
  readonly nonce: string;
  /** The stream takes no more operations; it `wasReady` if it ever took some. */
  readonly onEnd: (wasReady: boolean) => void;
}

export interface OutgoingOperation extends StreamedOperation {
  readonly fields: Fields;
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onSent: ((bytes: number) => void) | undefined;
}

/** An operation from its call to its answer. */
interface Pending {
  readonly operation: OutgoingOperation;
  readonly resolve: (response: TransportResponse | undefined) => void;
  readonly reject: (failure: TransportFailure) => void;
}

interface Sent {
  readonly bodyBytes: number;
  /** Undefined when nobody waits for the answer any more. */
  pending: Pending | undefined;
}

/** Once the server's hello has come. */
interface Opened {
  readonly hello: StreamHello;
  readonly incoming: IncomingMessages<ServerFrame>;
  readonly outgoing: OutgoingMessages<ClientFrame>;
}

export class OperationStream implements ChannelListener {
  readonly #options: OperationStreamOptions;
  readonly #channel: MessageChannel;
  #state: "opening" | "ready" | "leaving" | "ended" = "opening";
  #opened: Opened | undefined;
  /** In the order in which they came. */
  readonly #waiting = new Set<Pending>();
  /** By id. */
  readonly #sent = new Map<number, Sent>();
  #sentBodiesBytes = 0;
  #nextId = 0;
  #willFlush = false;

  constructor(options: OperationStreamOptions, open: (listener: ChannelListener) => MessageChannel) {
    this.#options = options;
    this.#channel = open(this);
    // Until it is ready, nothing depends on it.
    this.#channel.hold(false);
  }

  get isReady(): boolean {
    return this.#state === "ready";
  }

  /**
   * The answer; undefined when nothing of the operation was sent, or the answer is too long for a stream: then it is to be asked for
   * over HTTP. Rejects with a TransportFailure.
   */
  carry(operation: OutgoingOperation): Promise<TransportResponse | undefined> {
    const { body, signal } = operation;
    const opened = this.#opened;
    if (!this.isReady || opened === undefined || (body?.length ?? 0) > opened.hello.bodyBytesMax)
      return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      if (signal === undefined) return this.#add({ operation, resolve, reject });
      if (signal.aborted) return reject(new TransportFailure("nothing", signal.reason));
      const onAbort = (): void => this.#abandon(pending, signal);
      const unfollow = (): void => signal.removeEventListener("abort", onAbort);
      const pending: Pending = {
        operation,
        resolve: (response) => {
          unfollow();
          resolve(response);
        },
        reject: (failure) => {
          unfollow();
          reject(failure);
        },
      };
      signal.addEventListener("abort", onAbort);
      this.#add(pending);
    });
  }

  /** Takes no more operations, and ends when those under way are answered. */
  leave(): void {
    if (this.#state === "ended" || this.#state === "leaving") return;
    const wasReady = this.isReady;
    this.#state = "leaving";
    this.#options.onEnd(wasReady);
    this.#giveUpWaiting();
    this.#rest();
  }

  onMessage(message: Uint8Array): void {
    if (this.#state === "ended") return;
    try {
      if (this.#opened === undefined) this.#onHello(message);
      else this.#onFrames(this.#opened.incoming.open(message));
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause;
      this.#cut(cause.message);
    }
  }

  onEnd(reason: string): void {
    const before = this.#state;
    this.#state = "ended";
    if (before === "opening" || before === "ready") this.#options.onEnd(before === "ready");
    this.#giveUpWaiting();
    for (const { pending } of this.#sent.values())
      pending?.reject(new TransportFailure("all", new Error(reason)));
    this.#sent.clear();
  }

  #onHello(message: Uint8Array): void {
    const { sha256, secretKey, nonce } = this.#options;
    const hello = decodeStreamHello(message);
    const keys = streamKeys(sha256, secretKey, nonce, message);
    const incoming = new IncomingMessages(serverFrameCodec, keys.toClient);
    const outgoing = new OutgoingMessages(clientFrameCodec, keys.toServer);
    this.#opened = { hello, incoming, outgoing };
    if (this.#state === "opening") this.#state = "ready";
  }

  #onFrames(frames: readonly ServerFrame[]): void {
    for (const frame of frames) {
      if (this.#state === "ended") return;
      this.#onFrame(frame);
    }
  }

  #onFrame(frame: ServerFrame): void {
    switch (frame.kind) {
      case "answer":
        return this.#settle(frame.id, responseOf(frame));
      case "elsewhere":
        return this.#onElsewhere(frame.id);
      case "alive":
        return this.#say({ kind: "alive" });
      case "leave":
        return this.leave();
    }
  }

  #onElsewhere(id: number): void {
    const kind = this.#sent.get(id)?.pending?.operation.kind;
    // Sent again, a write would happen twice.
    if (kind === "storeFile" || kind === "deleteFile") this.#cut("a write that was not answered");
    else this.#settle(id, undefined);
  }

  #settle(id: number, response: TransportResponse | undefined): void {
    const sent = this.#sent.get(id);
    if (sent === undefined) return this.#cut("an answer to what was not asked");
    this.#sent.delete(id);
    this.#sentBodiesBytes -= sent.bodyBytes;
    sent.pending?.resolve(response);
    if (this.#waiting.size > 0) this.#flushSoon();
    this.#rest();
  }

  #add(pending: Pending): void {
    this.#waiting.add(pending);
    if (this.#waiting.size + this.#sent.size === 1) this.#channel.hold(true);
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#willFlush) return;
    this.#willFlush = true;
    this.#options.streaming.soon(() => {
      this.#willFlush = false;
      this.#flush();
    });
  }

  /** What waits leaves, as far as the server takes it now. */
  #flush(): void {
    const opened = this.#opened;
    if (opened === undefined || this.#state === "ended") return;
    for (const pending of this.#waiting) {
      if (this.#sent.size >= opened.hello.operationsMax || this.#sentBodiesBytes >= bodiesBytesMax) break;
      this.#waiting.delete(pending);
      this.#send(pending, opened);
    }
    this.#sendMessage(opened);
  }

  #send(pending: Pending, opened: Opened): void {
    const { kind: operation, bucket, key, fields, body = emptyBytes, onSent } = pending.operation;
    const { outgoing, hello } = opened;
    if (outgoing.bytes + body.length + operationHeadBytesMax > hello.messageBytesMax)
      this.#sendMessage(opened);
    const id = this.#nextId;
    this.#nextId = (id + 1) >>> 0;
    this.#sent.set(id, { bodyBytes: body.length, pending });
    this.#sentBodiesBytes += body.length;
    outgoing.add({ kind: "request", id, operation, bucket, key, fields, body });
    onSent?.(body.length);
  }

  #sendMessage({ outgoing }: Opened): void {
    if (outgoing.bytes > 0) this.#channel.send(outgoing.take());
  }

  #say(frame: ClientFrame): void {
    this.#opened?.outgoing.add(frame);
    this.#flushSoon();
  }

  /** Its signal was aborted. What was sent may take effect all the same, and keeps its place until it is answered. */
  #abandon(pending: Pending, { reason }: AbortSignal): void {
    if (this.#waiting.delete(pending)) {
      pending.reject(new TransportFailure("nothing", reason));
      return this.#rest();
    }
    for (const [id, sent] of this.#sent) {
      if (sent.pending !== pending) continue;
      sent.pending = undefined;
      pending.reject(new TransportFailure("all", reason));
      return this.#say({ kind: "cancel", id });
    }
  }

  #giveUpWaiting(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const pending of waiting) pending.resolve(undefined);
  }

  /** With nothing under way, nobody needs to wait for the stream. */
  #rest(): void {
    if (this.#waiting.size + this.#sent.size > 0) return;
    this.#channel.hold(false);
    if (this.#state === "leaving") this.#channel.close();
  }

  #cut(reason: string): void {
    this.onEnd(reason);
    this.#channel.cut();
  }
}

function responseOf({ status, fields: headers, body }: AnswerFrame): TransportResponse {
  return { status, headers, body: inOnePiece(body), cancel: () => undefined };
}

async function* inOnePiece(body: Uint8Array): AsyncGenerator<Uint8Array> {
  // A copy: what the caller keeps must not keep the whole message.
  if (body.length > 0) yield new Uint8Array(body);
}
