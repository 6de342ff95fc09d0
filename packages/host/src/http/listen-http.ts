/**
 * Binds a gateway's handler to real sockets over node:http (PERFORMANCE point 4: a parser of our own would save little and
 * risk request smuggling).
 */

import { randomBytes } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { StoreError } from "@holdfast/base";
import type { Clock, HttpHandler, Journal } from "@holdfast/ports";
import type { ExchangeContext } from "./exchange.ts";
import { runExchange } from "./exchange.ts";
import type { ExchangeObserver } from "./exchange-observer.ts";
import { silentObserver } from "./exchange-observer.ts";
import type { HttpLimits } from "./limits.ts";
import { defaultHttpLimits } from "./limits.ts";

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
  const server = createHttpServer(limits);
  connections.attach(server);
  await listening(server, options);
  const address = server.address();
  return {
    port: isAddressInfo(address) ? address.port : options.port,
    close: () => connections.close(server),
  };
}

function createHttpServer(limits: HttpLimits): Server {
  const server = createServer({
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
  server.maxConnections = limits.connectionsMax;
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
  underWay: ServerResponse | undefined;
  readonly waiting: { readonly message: IncomingMessage; readonly to: ServerResponse }[];
}

/** Requests that one connection may send ahead; who sends more is cut off. */
const pipelinedMax = 64;

/** The open connections and the requests on each. */
class Connections {
  readonly #context: ExchangeContext;
  readonly #open = new Map<Duplex, Connection>();
  /** Names this run of the listener; with the counter it makes request ids. */
  readonly #runId = randomBytes(6).toString("hex");
  #requestCount = 0;
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
  }

  attach(server: Server): void {
    server.on("connection", (socket: Socket) => {
      this.#open.set(socket, { underWay: undefined, waiting: [] });
      socket.once("close", () => this.#open.delete(socket));
    });
    server.on("request", (message, to) => this.#onRequest(message, to));
    server.on("checkContinue", (message, to) => this.#onRequest(message, to));
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
      server.closeAllConnections();
    });
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const socket of this.#open.keys()) if (this.#isIdle(socket)) socket.destroy();
    await closed;
    timer.cancel();
  }

  #isIdle(socket: Duplex): boolean {
    return this.#open.get(socket)?.underWay === undefined;
  }

  #onRequest(message: IncomingMessage, to: ServerResponse): void {
    const { socket } = message;
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    if (connection.underWay === undefined) this.#run(socket, connection, message, to);
    else if (connection.waiting.push({ message, to }) > pipelinedMax) socket.destroy();
  }

  #run(socket: Socket, connection: Connection, message: IncomingMessage, to: ServerResponse): void {
    connection.underWay = to;
    this.#requestCount += 1;
    const requestId = `${this.#runId}-${this.#requestCount.toString(16).padStart(6, "0")}`;
    to.on("close", () => {
      connection.underWay = undefined;
      if (socket.destroyed) return;
      const next = connection.waiting.shift();
      if (next !== undefined) this.#run(socket, connection, next.message, next.to);
      // The answer was on its way when the listener began to close, and could not say that it is the last.
      else if (this.#closing !== undefined) socket.destroySoon();
    });
    void runExchange(this.#context, message, to, requestId);
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    // Amid an answer there is no room for another one.
    const isAnswering = this.#open.get(socket)?.underWay?.headersSent === true;
    if (error.code === "ECONNRESET" || !socket.writable || isAnswering) {
      socket.destroy();
      return;
    }
    socket.end(`HTTP/1.1 ${statusLineOf(error.code)}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () =>
      socket.destroy(),
    );
  }
}

function statusLineOf(code: string | undefined): string {
  if (code === "HPE_HEADER_OVERFLOW") return "431 Request Header Fields Too Large";
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "408 Request Timeout";
  return "400 Bad Request";
}
