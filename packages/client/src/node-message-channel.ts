/** Messages over the WebSockets of ws: unlike Node's own they can be left open without keeping the program alive. */

import type { Socket } from "node:net";
import { streamLimits } from "@holdfast/base";
import type { RawData, WebSocket } from "ws";
import type { ChannelListener, MessageChannel } from "./message-channel.ts";
import { channelOpenMs, channelSilenceMs } from "./message-channel.ts";

export function openNodeChannel(url: string, listener: ChannelListener): MessageChannel {
  return new NodeMessageChannel(url, listener);
}

class NodeMessageChannel implements MessageChannel {
  readonly #listener: ChannelListener;
  #socket: WebSocket | undefined;
  #connection: Socket | undefined;
  #isHeld = true;
  #isOver = false;

  constructor(url: string, listener: ChannelListener) {
    this.#listener = listener;
    this.#open(url).catch((cause: unknown) => listener.onEnd(String(cause)));
  }

  send(message: Uint8Array): void {
    this.#socket?.send(message);
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld) this.#connection?.ref();
    else this.#connection?.unref();
  }

  close(): void {
    this.#isOver = true;
    this.#socket?.close();
  }

  cut(): void {
    this.#isOver = true;
    this.#socket?.terminate();
  }

  async #open(url: string): Promise<void> {
    // 12 ms of CPU time, which most programs have no use for.
    const { WebSocket } = await import("ws");
    if (this.#isOver) return this.#listener.onEnd("closed before it was open");
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      handshakeTimeout: channelOpenMs,
      maxPayload: streamLimits.messageBytesMax,
    });
    this.#socket = socket;
    this.#listen(socket);
  }

  #listen(socket: WebSocket): void {
    let reason = "the connection ended";
    socket.on("upgrade", ({ socket: connection }) => {
      this.#connection = connection;
    });
    socket.on("open", () => {
      this.#connection?.setTimeout(channelSilenceMs, () => socket.terminate());
      this.hold(this.#isHeld);
    });
    socket.on("message", (data: RawData) => {
      if (data instanceof Buffer)
        this.#listener.onMessage(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    });
    socket.on("error", (error) => {
      reason = error.message;
    });
    socket.on("close", () => this.#listener.onEnd(reason));
  }
}
