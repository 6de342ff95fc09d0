/** Exchanges that peers ask for. The HTTP server has no port of its own: it is given connections whose other end is known. */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import type { NodeId } from "@holdfast/base";
import { nodeId } from "@holdfast/base";
import type { Exchange, Journal } from "@holdfast/ports";
import { checkHead, NetworkError } from "@holdfast/ports";
import { clusterHeader, exchangePath, nodeHeader } from "./exchange-caller.ts";
import { IncomingExchange, messageBytes, OutgoingExchange } from "./exchange-message.ts";
import type { NetworkLimits } from "./limits.ts";
import type { ExchangeCounts } from "./network-metrics.ts";

export interface ExchangeServerOptions {
  readonly clusterId: string;
  readonly journal: Journal;
  readonly limits: NetworkLimits;
  readonly counts: ExchangeCounts;
  /** The receiver's answer; undefined when this node is not to be spoken to. */
  readonly answer: (from: NodeId, request: Exchange, signal: AbortSignal) => Promise<Exchange> | undefined;
  readonly isPeer: (node: NodeId) => boolean;
  readonly onRefused: (message: string, remoteAddress: string) => void;
}

export class ExchangeServer {
  readonly #options: ExchangeServerOptions;
  readonly #server: Server;
  /** Who is at the other end, where its certificate says so. */
  readonly #authenticated = new WeakMap<Socket, NodeId>();
  /** Of those who asked for something. */
  readonly #sockets = new Map<Socket, NodeId>();

  constructor(options: ExchangeServerOptions) {
    this.#options = options;
    this.#server = createServer({
      // Bodies may take their time; callers close what they do not use, so that no request meets a closing connection.
      requestTimeout: 0,
      keepAliveTimeout: 0,
      headersTimeout: options.limits.helloTimeoutMs,
      maxHeaderSize: 8192,
    });
    this.#server.on("request", (request, response) => void this.#onRequest(request, response));
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  take(socket: Socket, from: NodeId | undefined): void {
    if (from !== undefined) this.#authenticated.set(socket, from);
    this.#server.emit("connection", socket);
  }

  /** Ends what this node asked for and is under way. */
  breakFrom(node: NodeId): void {
    for (const [socket, from] of this.#sockets) if (from === node) socket.destroy();
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { answer, counts } = this.#options;
    const from = this.#callerOf(request);
    if (from === undefined) return refuse(response, 403);
    if (request.method !== "POST" || request.url !== exchangePath) return refuse(response, 404);
    this.#remember(request.socket, from);
    const answering = new Answering(request, response);
    counts.begin();
    response.once("close", () => counts.end(response.writableFinished ? "whole" : "broken"));
    try {
      const answered = answer(from, await answering.received, answering.signal);
      if (answered === undefined) return refuse(response, 403);
      await answering.send(await answered);
    } catch (cause) {
      answering.end();
      if (answering.signal.aborted && cause instanceof NetworkError) return;
      this.#options.journal.warn("network.exchange.failed", { peer: from, message: String(cause) });
    }
  }

  #callerOf(request: IncomingMessage): NodeId | undefined {
    const from = this.#authenticated.get(request.socket) ?? nodeId(String(request.headers[nodeHeader]));
    const problem = this.#problemOf(from, String(request.headers[clusterHeader]));
    if (problem === undefined) return from;
    this.#options.onRefused(problem, request.socket.remoteAddress ?? "");
    return undefined;
  }

  #problemOf(from: NodeId, cluster: string): string | undefined {
    const { clusterId, isPeer } = this.#options;
    if (cluster !== clusterId) return `an exchange from cluster ${cluster}; this one is ${clusterId}`;
    return isPeer(from) ? undefined : `an exchange from node ${from}, which is not known here`;
  }

  #remember(socket: Socket, from: NodeId): void {
    if (!this.#sockets.has(socket)) socket.once("close", () => this.#sockets.delete(socket));
    this.#sockets.set(socket, from);
  }
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { connection: "close", "content-length": 0 });
  response.end();
}

/** One request and its answer. */
class Answering {
  readonly #response: ServerResponse;
  readonly #incoming: IncomingExchange;
  readonly #controller = new AbortController();
  #outgoing: OutgoingExchange | undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#response = response;
    this.#incoming = new IncomingExchange(request, () => undefined);
    response.once("finish", () => {
      this.#incoming.fail(new NetworkError("broken", "the exchange was answered"));
      // What is left of the request is in the way of the next one.
      request.resume();
    });
    response.once("close", () => {
      if (response.writableFinished) return;
      this.#incoming.fail(new NetworkError("broken", "the other side has gone"));
      this.#outgoing?.stop();
      this.#controller.abort();
    });
  }

  get received(): Promise<Exchange> {
    return this.#incoming.received;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async send(answer: Exchange): Promise<void> {
    checkHead(answer.head);
    const bytes = messageBytes(answer);
    if (bytes !== undefined) this.#response.setHeader("content-length", bytes);
    this.#outgoing = new OutgoingExchange(this.#response, answer);
    if (this.#response.destroyed) this.#outgoing.stop();
    await this.#outgoing.run();
  }

  /** Badly. */
  end(): void {
    this.#response.destroy();
  }
}
