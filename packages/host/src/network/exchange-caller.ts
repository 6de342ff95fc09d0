/**
 * Exchanges with one peer, asked by this node: requests of HTTP/1.1 over a few connections that are kept. Never sent twice: after
 * a broken connection nobody knows whether the other side acted.
 */

import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import type { Exchange } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";
import { IncomingExchange, messageBytes, OutgoingExchange } from "./exchange-message.ts";
import type { NetworkLimits } from "./limits.ts";
import type { ExchangeCounts } from "./network-metrics.ts";
import { Turns } from "./turns.ts";

export const exchangePath = "/exchange/1";
export const clusterHeader = "holdfast-cluster";
export const nodeHeader = "holdfast-node";

export interface ExchangeCallerOptions {
  readonly clusterId: string;
  readonly self: string;
  readonly limits: NetworkLimits;
  readonly counts: ExchangeCounts;
  /** Given up when the signal is aborted. */
  readonly dial: (signal: AbortSignal) => Promise<Socket>;
}

export class ExchangeCaller {
  readonly #options: ExchangeCallerOptions;
  readonly #turns: Turns;
  readonly #agent: Agent;
  readonly #calls = new Set<Call>();
  readonly #closing = new AbortController();

  constructor(options: ExchangeCallerOptions) {
    const { limits, dial } = options;
    this.#options = options;
    this.#turns = new Turns(limits.exchangesMax, limits.exchangesWaitingMax);
    this.#agent = new DialingAgent(() => dial(this.#closing.signal), limits);
  }

  async call(exchange: Exchange, signal: AbortSignal | undefined): Promise<Exchange> {
    if (signal?.aborted === true) throw givenUp();
    const { clusterId, self, counts } = this.#options;
    const bytes = messageBytes(exchange);
    const length = bytes === undefined ? {} : { "content-length": bytes };
    const headers = { [clusterHeader]: clusterId, [nodeHeader]: self, ...length };
    const onAbort = (): void => call.fail(givenUp());
    const call = new Call(exchange, (outcome) => {
      signal?.removeEventListener("abort", onAbort);
      this.#calls.delete(call);
      counts.end(outcome);
    });
    counts.begin();
    this.#calls.add(call);
    signal?.addEventListener("abort", onAbort);
    void this.#run(call, () =>
      httpRequest({ agent: this.#agent, method: "POST", path: exchangePath, headers }),
    );
    return call.received;
  }

  /** What is under way is broken; what comes goes on. */
  breakAll(error: NetworkError): void {
    for (const call of this.#calls) call.fail(error);
    this.#agent.destroy();
  }

  /** To be called no more afterwards. */
  close(error: NetworkError): void {
    this.#closing.abort();
    this.breakAll(error);
  }

  async #run(call: Call, open: () => ClientRequest): Promise<void> {
    try {
      await this.#turns.begin(call.signal);
    } catch (cause) {
      return call.fail(cause instanceof NetworkError ? cause : new NetworkError("broken", String(cause)));
    }
    const isUnderWay = call.begin(open, () => this.#turns.end());
    if (!isUnderWay) this.#turns.end();
  }
}

function givenUp(): NetworkError {
  return new NetworkError("aborted", "the exchange was given up");
}

class DialingAgent extends Agent {
  readonly #dial: () => Promise<Socket>;

  constructor(dial: () => Promise<Socket>, limits: NetworkLimits) {
    // The timeout closes connections that are not in use, none that is slow.
    super({ keepAlive: true, timeout: limits.exchangeIdleMs, maxFreeSockets: limits.exchangesMax });
    this.#dial = dial;
  }

  override createConnection(
    _options: unknown,
    callback?: (error: Error | null, socket: Socket) => void,
  ): undefined {
    this.#dial().then(
      (socket) => callback?.(null, socket),
      (error: Error) => Reflect.apply(callback ?? (() => undefined), undefined, [error]),
    );
  }
}

/** One exchange, from waiting for its turn to the end of the answer. */
class Call {
  readonly #exchange: Exchange;
  readonly #onOver: (outcome: "whole" | "broken") => void;
  readonly #received = Promise.withResolvers<Exchange>();
  readonly #controller = new AbortController();
  #request: ClientRequest | undefined;
  #outgoing: OutgoingExchange | undefined;
  #incoming: IncomingExchange | undefined;
  #isOver = false;

  constructor(exchange: Exchange, onOver: (outcome: "whole" | "broken") => void) {
    this.#exchange = exchange;
    this.#onOver = onOver;
  }

  get received(): Promise<Exchange> {
    return this.#received.promise;
  }

  /** Aborted when it is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** False when it was over before; otherwise `onClosed` is called when its connection is free. */
  begin(open: () => ClientRequest, onClosed: () => void): boolean {
    if (this.#isOver) return false;
    const request = open();
    this.#request = request;
    request.on("error", (cause) => this.fail(asNetworkError(cause)));
    request.on("response", (message) => this.#onResponse(message));
    request.on("close", () => {
      this.fail(new NetworkError("broken", "the connection ended before the answer"));
      onClosed();
    });
    this.#outgoing = new OutgoingExchange(request, this.#exchange);
    this.#outgoing.run().catch((cause: unknown) => {
      this.fail(new NetworkError("broken", "the body to be sent failed", { cause }));
    });
    return true;
  }

  fail(error: NetworkError): void {
    if (this.#isOver) return;
    this.#end("broken");
    this.#received.reject(error);
    this.#incoming?.fail(error);
    this.#request?.destroy();
  }

  #onResponse(message: IncomingMessage): void {
    if (message.statusCode !== 200) {
      message.resume();
      return this.fail(
        message.statusCode === 403
          ? new NetworkError("refused", "the other side does not know this node as one of its cluster")
          : new NetworkError("broken", `the other side failed (${message.statusCode})`),
      );
    }
    this.#incoming = new IncomingExchange(message, () =>
      this.fail(new NetworkError("broken", "the answer was given up")),
    );
    this.#incoming.received.then(this.#received.resolve, (error: NetworkError) => this.fail(error));
    message.on("end", () => this.#onAnswered());
  }

  #onAnswered(): void {
    if (this.#isOver) return;
    this.#end("whole");
    // A request that nobody asks for any more takes its connection with it.
    if (this.#request?.writableEnded === false) this.#request.destroy();
  }

  #end(outcome: "whole" | "broken"): void {
    this.#isOver = true;
    this.#outgoing?.stop();
    this.#controller.abort();
    this.#onOver(outcome);
  }
}

function asNetworkError(cause: Error): NetworkError {
  return cause instanceof NetworkError
    ? cause
    : new NetworkError("broken", `the connection failed: ${cause.message}`, { cause });
}
