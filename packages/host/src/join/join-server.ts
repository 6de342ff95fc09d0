/**
 * Answers nodes that want to join. Whoever calls has no certificate and is nobody yet: one message is read, within a deadline
 * and a bound, one is sent, and the connection ends. It counts as unknown all the while.
 */

import type { Socket } from "node:net";
import { DecodeError, StoreError } from "@holdfast/base";
import type { Clock, Journal, Timer } from "@holdfast/ports";
import type { NetworkLimits } from "../network/limits.ts";
import { plainView } from "../plain-view.ts";
import type { JoinAnswer, JoinRefusal, JoinRequest } from "./join-message.ts";
import { decodeJoinRequest, encodeJoinAnswer } from "./join-message.ts";
import { MessageReader } from "./message-reader.ts";

/** `signal` is aborted when nobody waits for the answer any more. A StoreError is told to the caller, code and message. */
export type JoinHandler = (request: JoinRequest, signal: AbortSignal) => Promise<JoinAnswer>;

export type JoinProblem = "bad-join" | "late-join" | "refused-join" | "too-many-joins";

export interface JoinServerOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly limits: NetworkLimits;
  readonly onRefused: (problem: JoinProblem, message: string, remoteAddress: string) => void;
}

export class JoinServer {
  readonly #options: JoinServerOptions;
  #handler: JoinHandler | undefined;
  #servedCount = 0;

  constructor(options: JoinServerOptions) {
    this.#options = options;
  }

  /** In place of the one before. */
  serve(handler: JoinHandler): void {
    this.#handler = handler;
  }

  take(socket: Socket): void {
    if (!socket.destroyed) void this.#serve(new JoinConnection(socket, this.#options));
  }

  async #serve(connection: JoinConnection): Promise<void> {
    const { joinsMax } = this.#options.limits;
    if (this.#servedCount >= joinsMax)
      return connection.refuse("too-many-joins", refusal("Overloaded", `${joinsMax} nodes join already`));
    this.#servedCount++;
    try {
      const request = await connection.request();
      if (request !== undefined) await this.#answer(connection, request);
    } finally {
      this.#servedCount--;
    }
  }

  async #answer(connection: JoinConnection, request: JoinRequest): Promise<void> {
    const answer = await this.#answerTo(request, connection.gone);
    if ("kind" in answer) return connection.refuse("refused-join", answer);
    this.#options.journal.info("network.join.accepted", { peer: request.node });
    connection.send(answer);
  }

  /** A refusal, or the bytes of what is accepted. */
  async #answerTo(request: JoinRequest, signal: AbortSignal): Promise<JoinRefusal | Uint8Array> {
    if (this.#handler === undefined) return refusal("Unavailable", "this node admits nobody yet");
    try {
      const answer = await this.#handler(request, signal);
      return answer.kind === "refused" ? answer : encodeJoinAnswer(answer);
    } catch (cause) {
      if (cause instanceof StoreError) return refusal(cause.code, cause.message);
      this.#options.journal.error("network.join.failed", { peer: request.node, message: String(cause) });
      return refusal("Internal", "joining failed; the journal of the node that was asked says why");
    }
  }
}

function refusal(code: JoinRefusal["code"], message: string): JoinRefusal {
  return { kind: "refused", code, message };
}

class JoinConnection {
  readonly #socket: Socket;
  readonly #options: JoinServerOptions;
  readonly #remoteAddress: string;
  readonly #gone = new AbortController();
  #deadline: Timer;

  constructor(socket: Socket, options: JoinServerOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#remoteAddress = socket.remoteAddress ?? "";
    const { clock, limits } = options;
    this.#deadline = clock.after(limits.helloTimeoutMs, () => {
      options.onRefused("late-join", `no request within ${limits.helloTimeoutMs} ms`, this.#remoteAddress);
      socket.destroy();
    });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      this.#deadline.cancel();
      this.#gone.abort();
    });
  }

  /** Aborted when the connection has ended. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Undefined when there is none that could be answered; the connection has ended then, or is about to. */
  async request(): Promise<JoinRequest | undefined> {
    try {
      const message = await this.#message();
      if (message === undefined) return undefined;
      const request = decodeJoinRequest(message);
      this.#endWithin(this.#options.limits.joinTimeoutMs);
      return request;
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause;
      this.refuse(
        "bad-join",
        refusal("InvalidRequest", `the request to join is malformed: ${cause.message}`),
      );
      return undefined;
    }
  }

  refuse(problem: JoinProblem, answer: JoinRefusal): void {
    this.#options.onRefused(problem, `${answer.code}: ${answer.message}`, this.#remoteAddress);
    this.send(encodeJoinAnswer(answer));
  }

  /** Orderly, so that the other side gets to read it. */
  send(answer: Uint8Array): void {
    this.#endWithin(this.#options.limits.helloTimeoutMs);
    this.#socket.end(answer);
    // What else was sent is in the way of the end.
    this.#socket.removeAllListeners("data").resume();
  }

  #message(): Promise<Uint8Array | undefined> {
    const reader = new MessageReader();
    return new Promise((resolve, reject) => {
      this.#socket.once("close", () => resolve(undefined));
      this.#socket.on("data", (chunk: Buffer) => {
        try {
          const message = reader.push(plainView(chunk));
          if (message === undefined) return;
          // It has said what it may say.
          this.#socket.removeAllListeners("data").on("data", () => this.#socket.destroy());
          resolve(message);
        } catch (cause) {
          reject(cause);
        }
      });
    });
  }

  #endWithin(timeMs: number): void {
    this.#deadline.cancel();
    this.#deadline = this.#options.clock.after(timeMs, () => this.#socket.destroy());
    if (this.#socket.destroyed) this.#deadline.cancel();
  }
}
