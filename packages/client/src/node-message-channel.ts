/** Messages over the WebSockets of ws: unlike Node's own they can be left open without keeping the program alive. */

import type { Socket } from "node:net";
import { streamLimits } from "@holdfast/base";
import type { RawData } from "ws";
import { WebSocket } from "ws";
import type { ChannelListener, MessageChannel } from "./message-channel.ts";
import { channelOpenMs, channelSilenceMs } from "./message-channel.ts";

export function openNodeChannel(url: string, listener: ChannelListener): MessageChannel {
  return new NodeMessageChannel(url, listener);
}

class NodeMessageChannel implements MessageChannel {
  readonly #socket: WebSocket;
  #connection: Socket | undefined;
  #isHeld = true;

  constructor(url: string, listener: ChannelListener) {
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      handshakeTimeout: channelOpenMs,
      maxPayload: streamLimits.messageBytesMax,
    });
    this.#socket = socket;
    let reason = "the connection ended";
    socket.on("upgrade", ({ socket: connection }) => {
      this.#connection = connection;
    });
    socket.on("open", () => {
      this.#connection?.setTimeout(channelSilenceMs, () => socket.terminate());
      this.hold(this.#isHeld);
      listener.onOpen();
    });
    socket.on("message", (data: RawData) => {
      if (data instanceof Buffer)
        listener.onMessage(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    });
    socket.on("error", (error) => {
      reason = error.message;
    });
    socket.on("close", () => listener.onEnd(reason));
  }

  send(message: Uint8Array): void {
    this.#socket.send(message);
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld) this.#connection?.ref();
    else this.#connection?.unref();
  }

  close(): void {
    this.#socket.close();
  }

  cut(): void {
    this.#socket.terminate();
  }
}
