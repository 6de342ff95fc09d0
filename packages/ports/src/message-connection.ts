/** A connection that carries messages both ways, as gateways see it: the host makes it of a WebSocket. */

import type { ExchangeObserver } from "./exchange-observer.ts";

/** "leaving": this side stops. "malformed": the other side broke the rules. */
export type MessageConnectionEnd = "leaving" | "malformed";

/** Nothing here throws, and after the end nothing happens. */
export interface MessageConnection {
  /** In order. `onLeft` is called once: when the system has taken it, or when there is nobody left to take it. */
  send(message: Uint8Array, onLeft: () => void): void;
  /** Messages stay with the other side, but for what is on its way. */
  pause(): void;
  resume(): void;
  /** Orderly, behind what was sent. */
  close(end: MessageConnectionEnd): void;
  /** At once: the other side is not there any more. */
  cut(): void;
  /** Hears of the requests that the messages carry. */
  readonly observer: ExchangeObserver;
}

export interface MessageReceiver {
  /** The memory is the receiver's. */
  onMessage(message: Uint8Array): void;
  /** Called once, and nothing afterwards. */
  onEnd(): void;
  /** The listener closes: what is under way is carried out, then the receiver closes the connection. */
  leave(): void;
  /** Nothing is under way. */
  readonly isIdle: boolean;
}
