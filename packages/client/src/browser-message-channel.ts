/** Messages over the WebSockets that browsers have. */

import type { ChannelListener, MessageChannel } from "./message-channel.ts";
import { channelOpenMs, channelSilenceMs } from "./message-channel.ts";

export function openBrowserChannel(url: string, listener: ChannelListener): MessageChannel {
  return new BrowserMessageChannel(url, listener);
}

class BrowserMessageChannel implements MessageChannel {
  readonly #socket: WebSocket;
  readonly #listener: ChannelListener;
  #timer: ReturnType<typeof setTimeout>;
  #heard = false;
  #isOver = false;

  constructor(url: string, listener: ChannelListener) {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#listener = listener;
    this.#timer = setTimeout(() => this.cut(), channelOpenMs);
    socket.addEventListener("open", () => {
      if (!this.#isOver) this.#watch();
    });
    socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      this.#heard = true;
      if (data instanceof ArrayBuffer && !this.#isOver) listener.onMessage(new Uint8Array(data));
    });
    // Browsers do not say why a WebSocket failed.
    socket.addEventListener("close", () => this.#end("the WebSocket was closed"));
  }

  send(message: Uint8Array): void {
    this.#socket.send(new Uint8Array(message));
  }

  hold(): void {
    // A page lives as long as it is open.
  }

  close(): void {
    this.#socket.close();
  }

  /** Closed, a WebSocket waits for the other side to agree; nobody waits for that here. */
  cut(): void {
    this.#socket.close();
    this.#end("nothing was heard for too long");
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#heard = false;
    this.#timer = setTimeout(() => {
      if (this.#heard) this.#watch();
      else this.cut();
    }, channelSilenceMs);
  }

  #end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#listener.onEnd(reason);
  }
}
