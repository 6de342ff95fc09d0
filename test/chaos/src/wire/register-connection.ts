/** A client's connection to one node: many requests at once, each answered or ended when the connection is. */

import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { decode, encode } from "@holdfast/base";
import { FrameSender, readFrames } from "./frames.ts";
import type { AnswerBody, RequestBody } from "./messages.ts";
import { answerCodec, requestCodec } from "./messages.ts";

const connectDeadlineMs = 2000;

export class RegisterConnection {
  readonly #socket: Socket;
  readonly #sender: FrameSender;
  readonly #waiting = new Map<number, (answer: AnswerBody) => void>();
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#sender = new FrameSender(socket);
    readFrames(socket, (frame) => this.#onAnswer(frame));
    socket.on("error", () => this.#end());
    socket.on("close", () => this.#end());
  }

  /** Undefined when nobody answers there. */
  static async open(port: number): Promise<RegisterConnection | undefined> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    try {
      await once(socket, "connect", { signal: AbortSignal.timeout(connectDeadlineMs) });
    } catch {
      socket.destroy();
      return undefined;
    }
    return new RegisterConnection(socket);
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** `Unknown` when no answer comes in time or the connection ends: the request may have arrived. */
  ask(body: RequestBody, deadlineMs: number): Promise<AnswerBody> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(id, { kind: "Unknown" }), deadlineMs);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      if (this.isOpen) this.#sender.send(encode(requestCodec, { id, body }));
      else this.#answer(id, { kind: "Unavailable" });
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #onAnswer(frame: Uint8Array): void {
    const { id, body } = decode(answerCodec, frame);
    this.#answer(id, body);
  }

  #answer(id: number, answer: AnswerBody): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.(answer);
  }

  #end(): void {
    for (const id of this.#waiting.keys()) this.#answer(id, { kind: "Unknown" });
  }
}
