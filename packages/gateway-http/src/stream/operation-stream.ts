/**
 * The server's side of one multiplexed stream (docs/internals/stream.md): takes messages apart, has their operations carried out
 * as the requests that they would be over HTTP, and gathers what is answered in one turn into one message.
 */

import type { Awaitable, ClientFrame, RequestFrame, ServerFrame, StreamKeys } from "@holdfast/base";
import {
  andThen,
  clientFrameCodec,
  DecodeError,
  emptyBytes,
  IncomingMessages,
  OutgoingMessages,
  StoreError,
  serverFrameCodec,
  streamLimits,
} from "@holdfast/base";
import type {
  Clock,
  HttpRequest,
  Journal,
  MessageConnection,
  MessageConnectionEnd,
  MessageReceiver,
  Timer,
} from "@holdfast/ports";
import type { WholeAnswer } from "../error-answer.ts";
import { errorAnswer } from "../error-answer.ts";
import { RequestFacts } from "../request-facts.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { Pulse } from "./pulse.ts";
import { StreamedRequest } from "./streamed-request.ts";

export interface OperationStreamOptions {
  readonly connection: MessageConnection;
  /** The request that asked for the stream. */
  readonly opening: HttpRequest;
  readonly keys: StreamKeys;
  readonly clock: Clock;
  readonly journal: Journal;
  /** Shared by all streams. */
  readonly budget: MemoryBudget;
  /** Why the key that opened the stream is no longer good: asked for each message, as it would be for each request. Never rejects. */
  readonly refusal: () => Awaitable<StoreError | undefined>;
  readonly run: RunOperation;
}

/** Never rejects. */
export type RunOperation = (frame: RequestFrame, request: StreamedRequest) => Promise<OperationAnswer>;

export interface OperationAnswer extends WholeAnswer {
  /** It has no body then: it is to be had over HTTP. */
  readonly isTooLong?: boolean;
}

/** Bytes held for a stream from which on no more is read from it. */
const heldBytesMax = 8 * 1024 * 1024;
/** An operation and its answer, besides their bodies. */
const operationBytes = 1024;
/** A client that was told that the node stops closes the stream when it has its answers. */
const leaveMs = 2_000;

interface UnderWay {
  readonly id: number;
  readonly request: StreamedRequest;
  readonly receivedBytes: number;
  /** Until its answer has left. */
  readonly heldBytes: number;
  readonly begunAtMs: number;
}

export class OperationStream implements MessageReceiver {
  readonly #options: OperationStreamOptions;
  readonly #incoming: IncomingMessages<ClientFrame>;
  readonly #outgoing: OutgoingMessages<ServerFrame>;
  readonly #underWay = new Map<number, UnderWay>();
  readonly #pulse: Pulse;
  #state: "open" | "leaving" | "closing" | "ended" = "open";
  #operationCount = 0;
  /** Of operations whose answers have not left. */
  #heldBytes = 0;
  /** The part of them that leaves with the message that is being gathered. */
  #leavingBytes = 0;
  #isPaused = false;
  #leaveTimer: Timer | undefined;
  /** The client was given time to close. */
  #isLate = false;

  constructor(options: OperationStreamOptions) {
    const { keys, clock } = options;
    this.#options = options;
    this.#incoming = new IncomingMessages(clientFrameCodec, keys.toServer);
    this.#outgoing = new OutgoingMessages(serverFrameCodec, keys.toClient);
    this.#pulse = new Pulse({
      clock,
      isBusy: () => this.#underWay.size > 0,
      onQuiet: () => this.#send({ kind: "alive" }),
      onRest: () => this.#send({ kind: "leave" }),
      onSilence: () => this.#onSilence(),
    });
  }

  get isIdle(): boolean {
    return this.#heldBytes === 0;
  }

  onMessage(message: Uint8Array): void {
    if (this.#isOver()) return;
    this.#pulse.heard();
    const frames = this.#open(message);
    if (frames !== undefined)
      void andThen(this.#options.refusal(), (refusal) => this.#onFrames(frames, refusal));
  }

  onEnd(): void {
    this.#state = "ended";
    this.#pulse.end();
    this.#leaveTimer?.cancel();
    for (const { request } of this.#underWay.values()) request.cancel();
  }

  leave(): void {
    if (this.#state !== "open") return;
    this.#state = "leaving";
    this.#send({ kind: "leave" });
    // Closed from this side at once, what is on its way here would be lost, and nobody knew.
    this.#leaveTimer = this.#options.clock.after(leaveMs, () => {
      this.#isLate = true;
      this.#closeWhenDone();
    });
  }

  #onSilence(): void {
    // Who is not read from cannot be heard; if it is the node that is slow, that is not the client's fault.
    if (!this.#isPaused || this.#underWay.size === 0) this.#options.connection.cut();
  }

  #isOver(): boolean {
    return this.#state === "closing" || this.#state === "ended";
  }

  #open(message: Uint8Array): readonly ClientFrame[] | undefined {
    try {
      return this.#incoming.open(message);
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause;
      this.#refuse(cause.message);
      return undefined;
    }
  }

  #onFrames(frames: readonly ClientFrame[], refusal: StoreError | undefined): void {
    for (const frame of frames) {
      if (this.#isOver()) return;
      if (frame.kind === "request") this.#onRequest(frame, refusal ?? this.#refusalOf(frame));
      else if (frame.kind === "cancel") this.#underWay.get(frame.id)?.request.cancel();
    }
    this.#judgeHeld();
  }

  #onRequest(frame: RequestFrame, refusal: StoreError | undefined): void {
    if (this.#underWay.has(frame.id)) return this.#refuse("an id of an operation under way");
    const { connection, clock } = this.#options;
    const operation = this.#begin(frame, clock.monotonicMs());
    connection.observer.onBegin();
    if (refusal !== undefined) {
      this.#answer(operation, refusedAnswer(frame, operation.request.requestId, refusal));
      return;
    }
    this.#underWay.set(frame.id, operation);
    void this.#options.run(frame, operation.request).then((answer) => this.#answer(operation, answer));
  }

  #begin(frame: RequestFrame, begunAtMs: number): UnderWay {
    const { opening, budget } = this.#options;
    const { id, body } = frame;
    const request = new StreamedRequest({
      frame,
      path: opening.path,
      remoteAddress: opening.remoteAddress,
      requestId: `${opening.requestId}.${++this.#operationCount}`,
    });
    const answerBytes = frame.operation === "readFile" ? streamLimits.bodyBytesMax : 0;
    const heldBytes = operationBytes + body.length + answerBytes;
    this.#heldBytes += heldBytes;
    budget.take(heldBytes);
    this.#pulse.busy();
    return { id, request, receivedBytes: body.length, heldBytes, begunAtMs };
  }

  /** Why the operation is not begun. */
  #refusalOf({ body }: RequestFrame): StoreError | undefined {
    if (this.#state === "leaving") return new StoreError("Stopped", "The node is stopping.");
    if (this.#underWay.size >= streamLimits.operationsMax)
      return new StoreError(
        "Overloaded",
        `${streamLimits.operationsMax} operations are under way on this stream already.`,
      );
    if (this.#options.budget.isSpent)
      return new StoreError("Overloaded", "Too many operations are under way: try again later.");
    if (body.length > streamLimits.bodyBytesMax)
      return new StoreError(
        "BodyTooLarge",
        `On a stream a body has at most ${streamLimits.bodyBytesMax} bytes: send larger ones in requests of their own.`,
      );
    return undefined;
  }

  #answer({ id, request, receivedBytes, heldBytes, begunAtMs }: UnderWay, answer: OperationAnswer): void {
    const { connection, clock } = this.#options;
    const { status, headers: fields, body = emptyBytes, about, isTooLong = false } = answer;
    this.#underWay.delete(id);
    connection.observer.onEnd({
      request,
      about,
      status,
      receivedBytes,
      sentBytes: body.length,
      durationMs: clock.monotonicMs() - begunAtMs,
      isBroken: this.#state === "ended",
    });
    if (this.#isOver()) return this.#release(heldBytes);
    this.#leavingBytes += heldBytes;
    this.#send(isTooLong ? { kind: "elsewhere", id } : { kind: "answer", id, status, fields, body });
    this.#closeWhenDone();
  }

  /** Leaves with all else that this turn brings. */
  #send(frame: ServerFrame): void {
    const bytes = frame.kind === "answer" ? frame.body.length + streamLimits.headBytesMax : 0;
    if (this.#outgoing.bytes + bytes > streamLimits.messageBytesMax) this.#flush();
    if (this.#outgoing.bytes === 0) this.#options.clock.soon(() => this.#flush());
    this.#outgoing.add(frame);
  }

  #flush(): void {
    if (this.#outgoing.bytes === 0) return;
    const leavingBytes = this.#leavingBytes;
    this.#leavingBytes = 0;
    this.#pulse.sent();
    this.#options.connection.send(this.#outgoing.take(), () => {
      this.#release(leavingBytes);
      this.#judgeHeld();
    });
  }

  #release(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#options.budget.giveBack(bytes);
  }

  /** Who sends faster than it takes the answers is not read from meanwhile. */
  #judgeHeld(): void {
    const isTooMuch = this.#heldBytes > heldBytesMax;
    if (isTooMuch === this.#isPaused || this.#state === "ended") return;
    this.#isPaused = isTooMuch;
    if (isTooMuch) this.#options.connection.pause();
    else this.#options.connection.resume();
  }

  #closeWhenDone(): void {
    if (this.#isLate && !this.#isOver() && this.#underWay.size === 0) this.#close("leaving");
  }

  #refuse(reason: string): void {
    const { requestId, remoteAddress } = this.#options.opening;
    this.#options.journal.info("gateway-http.stream.malformed", { requestId, remoteAddress, reason });
    this.#close("malformed");
  }

  #close(end: MessageConnectionEnd): void {
    this.#flush();
    this.#state = "closing";
    this.#options.connection.close(end);
  }
}

function refusedAnswer(frame: RequestFrame, requestId: string, error: StoreError): OperationAnswer {
  const about = new RequestFacts();
  about.operation = frame.operation;
  about.noteFailure(error);
  return { ...errorAnswer(error, requestId), about };
}
