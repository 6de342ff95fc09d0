/** A request that asks for more than an answer: its connection becomes a WebSocket, if the handler has a use for one. */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { streamLimits } from "@holdfast/base";
import type { HttpResponse } from "@holdfast/ports";
import type { WebSocketServer } from "ws";
import type { Exchange, ExchangeContext } from "./exchange.ts";
import { answerOf } from "./exchange.ts";
import { sendResponse } from "./response.ts";
import { WebSocketConnection } from "./web-socket-connection.ts";

/** Of a client that asks for a WebSocket; other upgrades are not known here, and their requests are served without. */
export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/** Loaded when the first client asks: 12 ms of CPU time. */
export async function makeWebSocketServer(): Promise<WebSocketServer> {
  const { WebSocketServer } = await import("ws");
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: streamLimits.messageBytesMax,
  });
}

export interface UpgradeOptions {
  readonly context: ExchangeContext;
  readonly webSockets: WebSocketServer;
  readonly exchange: Exchange;
  readonly message: IncomingMessage;
  readonly socket: Duplex;
  /** What came behind the request's head. */
  readonly head: Buffer;
  /** For each message that comes later on. */
  readonly onUse: () => void;
}

/** Never rejects. Undefined when the connection has become nothing: it was answered and ends. */
export async function runUpgrade(options: UpgradeOptions): Promise<WebSocketConnection | undefined> {
  const { context, exchange, socket } = options;
  const { observer, clock } = context;
  const { request, begunAtMs } = exchange;
  observer.onBegin();
  const response = await answerOf(context, request);
  const opened = socket.destroyed ? undefined : settle(options, response);
  observer.onEnd({
    request,
    about: response.about,
    status: response.status,
    receivedBytes: 0,
    sentBytes: response.body instanceof Uint8Array ? response.body.length : 0,
    durationMs: clock.monotonicMs() - begunAtMs,
    isBroken: socket.destroyed,
  });
  return opened;
}

function settle(options: UpgradeOptions, response: HttpResponse): WebSocketConnection | undefined {
  const { context, exchange, socket, webSockets, message, head, onUse } = options;
  const { upgrade } = response;
  if (upgrade === undefined) {
    exchange.to.on("finish", () => socket.end());
    void sendResponse(exchange.to, response, false);
    return undefined;
  }
  const { observer } = context;
  exchange.to.detachSocket(message.socket);
  let opened: WebSocketConnection | undefined;
  // Calls back at once, or answers a malformed handshake itself.
  webSockets.handleUpgrade(message, socket, head, (webSocket) => {
    opened = new WebSocketConnection({ socket: webSocket, observer, accept: upgrade, onUse });
  });
  return opened;
}
