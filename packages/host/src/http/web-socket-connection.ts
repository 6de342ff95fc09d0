/** Messages of one WebSocket (RFC 6455) as gateways take them. */

import type {
  ExchangeObserver,
  MessageConnection,
  MessageConnectionEnd,
  MessageReceiver,
} from "@holdfast/ports";
import type { RawData, WebSocket } from "ws";
import { plainView } from "../plain-view.ts";

/** RFC 6455 section 7.4.1. */
const closeCodes: Readonly<Record<MessageConnectionEnd, number>> = {
  leaving: 1001,
  malformed: 1002,
};
const onlyBinary = 1003;
/** Pings of a client that takes no pongs are not answered: an answer to the latest is enough (RFC 6455 section 5.5.3). */
const pongsBytesMax = 4096;

export interface WebSocketConnectionOptions {
  readonly socket: WebSocket;
  readonly observer: ExchangeObserver;
  readonly accept: (connection: MessageConnection) => MessageReceiver;
  /** For each message: the connection is in use. */
  readonly onUse: () => void;
}

export class WebSocketConnection implements MessageConnection {
  readonly observer: ExchangeObserver;
  readonly #socket: WebSocket;
  readonly #receiver: MessageReceiver;

  constructor({ socket, observer, accept, onUse }: WebSocketConnectionOptions) {
    this.observer = observer;
    this.#socket = socket;
    this.#receiver = accept(this);
    socket.on("message", (data: RawData, isBinary: boolean) => {
      onUse();
      if (!isBinary) socket.close(onlyBinary);
      else if (data instanceof Buffer) this.#receiver.onMessage(plainView(data));
    });
    socket.on("ping", (data) => {
      if (socket.bufferedAmount < pongsBytesMax) socket.pong(data);
    });
    // Whatever is wrong with the frames: the library closes the connection, which is what is heard of below.
    socket.on("error", () => undefined);
    socket.on("close", () => this.#receiver.onEnd());
  }

  get isIdle(): boolean {
    return this.#receiver.isIdle;
  }

  leave(): void {
    this.#receiver.leave();
  }

  send(message: Uint8Array, onLeft: () => void): void {
    this.#socket.send(message, { binary: true }, onLeft);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(end: MessageConnectionEnd): void {
    this.#socket.close(closeCodes[end]);
  }

  cut(): void {
    this.#socket.terminate();
  }
}
