/**
 * Binds a gateway's handler to real sockets over node:http (PERFORMANCE point 4: a parser of our own would save little and
 * risk request smuggling).
 */

import { randomBytes } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import { createServer, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { StoreError } from "@holdfast/base";
import type { Clock, ExchangeObserver, HttpHandler, Journal, Timer } from "@holdfast/ports";
import { silentObserver } from "@holdfast/ports";
import type { WebSocketServer } from "ws";
import { Burst } from "./burst.ts";
import type { Exchange, ExchangeContext } from "./exchange.ts";
import { runExchange } from "./exchange.ts";
import type { HttpLimits } from "./limits.ts";
import { defaultHttpLimits } from "./limits.ts";
import { IncomingRequest } from "./request.ts";
import { RequestBody } from "./request-body.ts";
import { asksForWebSocket, makeWebSocketServer, runUpgrade } from "./upgrade.ts";
import type { WebSocketConnection } from "./web-socket-connection.ts";

export interface ListenHttpOptions {
  /** Address to listen on, such as "127.0.0.1". */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly handler: HttpHandler;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly limits?: Partial<HttpLimits>;
  readonly observer?: ExchangeObserver;
  /** Whether the handler may make WebSockets of connections. */
  readonly upgrades?: boolean;
}

export interface HttpListener {
  /** The port listened on. */
  readonly port: number;
  /** Takes no more connections, ends idle ones, waits for requests under way, cuts what outlasts the deadline. */
  close(): Promise<void>;
}

/** Resolves when connections are accepted. StoreError Unavailable when the address cannot be had. */
export async function listenHttp(options: ListenHttpOptions): Promise<HttpListener> {
  const limits = { ...defaultHttpLimits, ...options.limits };
  const connections = new Connections(options, limits);
  const server = createHttpServer(limits, options.upgrades === true);
  await listening(server, options);
  connections.attach(server);
  const address = server.address();
  return {
    port: isAddressInfo(address) ? address.port : options.port,
    close: () => connections.close(server),
  };
}

function createHttpServer(limits: HttpLimits, upgrades: boolean): Server {
  const server = createServer({
    // Some clients offer HTTP/2 by an upgrade with each request: those are served as they are.
    shouldUpgradeCallback: (message) => upgrades && asksForWebSocket(message),
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    // A long upload is no fault; a silent one is caught by the idle timeout.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.max(10, Math.min(limits.headersTimeoutMs / 2, 10_000)),
    // Node drops the second of two equal headers in silence, a condition among them; joined, the gateway sees both.
    joinDuplicateHeaders: true,
  });
  // Headers are bounded by their size: dropping those beyond a count, as node would, could drop a condition.
  server.maxHeadersCount = 0;
  // A client may end its side behind its last request and wait: without this, node would end the other side too, at once,
  // and a request that was carried out would have no answer. (In node's sources and tests, not in its types.)
  Object.assign(server, { httpAllowHalfOpen: true });
  server.timeout = limits.idleTimeoutMs;
  return server;
}

async function listening(server: Server, options: ListenHttpOptions): Promise<void> {
  const { host, port } = options;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `Cannot listen on ${host} port ${port}: ${cause.message}. Choose another port or stop what uses it.`;
      reject(new StoreError("Unavailable", message, { retryable: false, fields: { host, port }, cause }));
    });
    server.listen({ host, port, backlog: 1024 }, resolve);
  });
  server.removeAllListeners("error");
  server.on("error", (cause) => options.journal.error("http.listener.failed", { message: cause.message }));
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return address !== null && typeof address === "object";
}

/** Requests of one connection are handled one after the other, in order, even when a client does not wait for answers. */
interface Connection {
  underWay: Exchange | undefined;
  /** It was upgraded: no requests come any more. */
  webSocket: WebSocketConnection | undefined;
  readonly waiting: { readonly message: IncomingMessage; readonly to: ServerResponse }[];
  /** Answer to what came behind the requests above and was no request; the last of the connection. */
  refusal: string | undefined;
  /** The last answer has been given: a request behind it would be carried out without one. */
  isOver: boolean;
}

/** Requests that one connection may send ahead; who sends more is cut off. */
const pipelinedMax = 64;

const fullWarningMs = 10_000;
/** Looks at the pace of bodies within the idle timeout. */
const paceRounds = 6;

/** The open connections and the requests on each. */
class Connections {
  readonly #context: ExchangeContext;
  /** At most one request of each connection. */
  readonly #arrived: Burst<Exchange>;
  /** In the order of their last request's end, or of their coming. */
  readonly #open = new Map<Duplex, Connection>();
  /** Names this run of the listener; with the counter it makes request ids. */
  readonly #runId = randomBytes(6).toString("hex");
  #webSockets: Promise<WebSocketServer> | undefined;
  #requestCount = 0;
  #paceTimer: Timer | undefined;
  #warnedFullAtMs = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | undefined;

  constructor(options: ListenHttpOptions, limits: HttpLimits) {
    const { handler, journal, clock, observer = silentObserver } = options;
    this.#context = {
      handler,
      journal,
      clock,
      limits,
      observer,
      isClosing: () => this.#closing !== undefined,
    };
    this.#arrived = new Burst(clock, (exchange) => void runExchange(this.#context, exchange));
  }

  attach(server: Server): void {
    this.#watchPace();
    server.on("connection", (socket: Socket) => {
      if (this.#open.size >= this.#context.limits.connectionsMax && !this.#makeRoom()) {
        socket.destroy();
        return;
      }
      this.#open.set(socket, {
        underWay: undefined,
        webSocket: undefined,
        waiting: [],
        refusal: undefined,
        isOver: false,
      });
      socket.once("close", () => this.#open.delete(socket));
    });
    server.on("request", (message, to) => this.#onRequest(message, to));
    server.on("checkContinue", (message, to) => this.#onRequest(message, to));
    server.on("upgrade", (message, socket, head) => this.#onUpgrade(message, socket, head));
    server.on("connect", (_message, socket) => this.#onConnectMethod(socket));
    server.on("clientError", (error, socket) => this.#onClientError(error, socket));
    server.on("timeout", (socket) => {
      // A request under way is judged by its body or its answer (they hear of the timeout too): a handler may take its time.
      if (this.#isIdle(socket)) socket.destroy();
      else socket.setTimeout(this.#context.limits.idleTimeoutMs);
    });
  }

  close(server: Server): Promise<void> {
    this.#closing ??= this.#close(server);
    return this.#closing;
  }

  async #close(server: Server): Promise<void> {
    const { clock, journal, limits } = this.#context;
    const timer = clock.after(limits.closeTimeoutMs, () => {
      journal.warn("http.close.cut", { connections: this.#open.size });
      for (const socket of this.#open.keys()) socket.destroy();
    });
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const [socket, { webSocket }] of this.#open) {
      if (webSocket !== undefined) webSocket.leave();
      else if (this.#isIdle(socket)) socket.destroy();
    }
    await closed;
    timer.cancel();
    this.#paceTimer?.cancel();
  }

  /** Ends the connection that is longest without a request. False when requests are under way on all. */
  #makeRoom(): boolean {
    for (const socket of this.#open.keys()) {
      if (!this.#isIdle(socket)) continue;
      this.#open.delete(socket);
      socket.destroy();
      return true;
    }
    this.#warnFull();
    return false;
  }

  /** At most once in a while: a siege must not fill the journal. */
  #warnFull(): void {
    const { clock, journal } = this.#context;
    if (clock.monotonicMs() - this.#warnedFullAtMs < fullWarningMs) return;
    this.#warnedFullAtMs = clock.monotonicMs();
    journal.warn("http.connections.full", { connections: this.#open.size });
  }

  /** A byte a second keeps any idle timeout away: bodies have to come at some pace. */
  #watchPace(): void {
    const { clock, limits } = this.#context;
    const roundMs = limits.idleTimeoutMs / paceRounds;
    this.#paceTimer = clock.after(roundMs, () => {
      const bytesMin = (limits.bodyBytesPerSecondMin * roundMs) / 1000;
      for (const { underWay } of this.#open.values()) underWay?.request.body.judgePace(bytesMin, paceRounds);
      this.#watchPace();
    });
  }

  #isIdle(socket: Duplex): boolean {
    const connection = this.#open.get(socket);
    return connection?.underWay === undefined && connection?.webSocket?.isIdle !== false;
  }

  #onRequest(message: IncomingMessage, to: ServerResponse): void {
    const { socket } = message;
    const connection = this.#open.get(socket);
    if (connection === undefined || connection.isOver) return;
    if (connection.underWay === undefined) this.#run(socket, connection, message, to);
    else if (connection.waiting.push({ message, to }) > pipelinedMax) socket.destroy();
  }

  #onUpgrade(message: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Node has let go of the socket by now, errors included.
    socket.on("error", () => socket.destroy());
    const connection = this.#open.get(message.socket);
    const hasBody = message.headers["content-length"] ?? message.headers["transfer-encoding"];
    // An answer that is still to come would get between; and of a body nobody says where it ends.
    if (connection === undefined || connection.isOver || connection.underWay !== undefined)
      return this.#refuseBehind(socket, "400 Bad Request");
    if (!asksForWebSocket(message) || hasBody !== undefined) return refuse(socket, "400 Bad Request");
    connection.isOver = true;
    void this.#upgrade(connection, message, socket, head);
  }

  async #upgrade(
    connection: Connection,
    message: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const to = new ServerResponse(message);
    to.assignSocket(message.socket);
    to.setHeader("connection", "close");
    const request = new IncomingRequest(message, new RequestBody(message, undefined), this.#nextRequestId());
    const exchange = { request, to, begunAtMs: this.#context.clock.monotonicMs() };
    connection.underWay = exchange;
    const onUse = (): void => this.#renew(message.socket, connection);
    this.#webSockets ??= makeWebSocketServer();
    const webSockets = await this.#webSockets;
    const options = { context: this.#context, webSockets, exchange, message, socket, head, onUse };
    connection.webSocket = await runUpgrade(options);
    connection.underWay = undefined;
    if (this.#closing !== undefined) connection.webSocket?.leave();
  }

  #nextRequestId(): string {
    this.#requestCount += 1;
    return `${this.#runId}-${this.#requestCount.toString(16).padStart(6, "0")}`;
  }

  /** It is the one now that was used last. */
  #renew(socket: Socket, connection: Connection): void {
    if (socket.destroyed) return;
    this.#open.delete(socket);
    this.#open.set(socket, connection);
  }

  #run(socket: Socket, connection: Connection, message: IncomingMessage, to: ServerResponse): void {
    const awaitsContinue = message.headers.expect?.toLowerCase() === "100-continue";
    const body = new RequestBody(message, awaitsContinue ? () => to.writeContinue() : undefined);
    const request = new IncomingRequest(message, body, this.#nextRequestId());
    const exchange = { request, to, begunAtMs: this.#context.clock.monotonicMs() };
    connection.underWay = exchange;
    to.on("close", () => {
      if (!to.writableFinished) request.onClientGone();
      connection.underWay = undefined;
      if (socket.destroyed) return;
      this.#renew(socket, connection);
      connection.isOver = !to.shouldKeepAlive || to.getHeader("connection") === "close";
      if (connection.isOver) return;
      const next = connection.waiting.shift();
      if (next !== undefined) this.#run(socket, connection, next.message, next.to);
      else if (connection.refusal !== undefined) refuse(socket, connection.refusal);
      // The answer was on its way when the listener began to close, and could not say that it is the last.
      else if (this.#closing !== undefined) socket.destroySoon();
    });
    this.#arrived.add(exchange);
  }

  /** CONNECT asks for a tunnel, which there is none. Node has let go of the socket by now, errors included. */
  #onConnectMethod(socket: Duplex): void {
    socket.on("error", () => socket.destroy());
    this.#refuseBehind(socket, "405 Method Not Allowed");
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    const underWay = this.#open.get(socket)?.underWay;
    if (underWay === undefined || underWay.to.req.complete)
      return this.#refuseBehind(socket, statusLineOf(error.code));
    // Its handler says what became of the request: it may have done its work without the body.
    const isEnd = error.code === "HPE_INVALID_EOF_STATE";
    underWay.request.body.break(isEnd ? "The body ended too early." : "The body's framing is malformed.");
    if (isEnd) underWay.request.onClientGone();
  }

  /** Behind the answers to the requests before, of which none must take this one for its own. */
  #refuseBehind(socket: Duplex, statusLine: string): void {
    const connection = this.#open.get(socket);
    if (connection?.underWay === undefined) refuse(socket, statusLine);
    else connection.refusal ??= statusLine;
  }
}

function refuse(socket: Duplex, statusLine: string): void {
  socket.end(`HTTP/1.1 ${statusLine}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () =>
    socket.destroy(),
  );
}

function statusLineOf(code: string | undefined): string {
  if (code === "HPE_HEADER_OVERFLOW") return "431 Request Header Fields Too Large";
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "408 Request Timeout";
  return "400 Bad Request";
}
