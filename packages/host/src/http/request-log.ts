/**
 * Requests as operators see them. Metrics for all; a line in the journal for each with `accessLog`, and without it for
 * those that failed on this side; probes that succeed get none. Neither holds a secret: of a signature only the access key is kept, and only when it
 * was the right one; queries, which may be signatures, are not written at all.
 */

import type { Counter, EndedExchange, ExchangeObserver, Histogram, Journal, Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";

export interface RequestLogOptions {
  /** "s3" or "http". */
  readonly gateway: string;
  readonly journal: Journal;
  readonly metrics: Metrics;
  /** A line for every request, not only for failures. */
  readonly accessLog: boolean;
}

/** What no gateway could name. */
const otherOperation = "Other";
const nameCharactersMax = 256;

export class RequestLog implements ExchangeObserver {
  readonly #options: RequestLogOptions;
  readonly #journal: Journal;
  /** One for each operation that was asked for; gateways name them from closed sets. */
  readonly #operations = new Map<string, OperationSeries>();
  readonly #errors = new Map<string, Counter>();
  #inFlight = 0;

  constructor(options: RequestLogOptions) {
    this.#options = options;
    const { gateway, journal, metrics } = options;
    this.#journal = journal.with({ gateway });
    metrics.watch(allMetrics.httpInFlight, { gateway }, () => this.#inFlight);
  }

  onBegin(): void {
    this.#inFlight++;
  }

  onEnd(exchange: EndedExchange): void {
    this.#inFlight--;
    const { about } = exchange;
    this.#seriesOf(about?.operation ?? otherOperation).count(exchange);
    if (about?.code !== undefined) this.#errorsOf(about.code).add(1);
    if (isOwnFault(exchange.status)) this.#journal.error("request", lineOf(exchange));
    else if (isDelay(exchange.status)) this.#journal.warn("request", lineOf(exchange));
    else if (this.#options.accessLog && !isProbe(about?.operation))
      this.#journal.info("request", lineOf(exchange));
  }

  #seriesOf(operation: string): OperationSeries {
    const known = this.#operations.get(operation);
    if (known !== undefined) return known;
    const made = new OperationSeries(this.#options, operation);
    this.#operations.set(operation, made);
    return made;
  }

  #errorsOf(code: string): Counter {
    const { metrics, gateway } = this.#options;
    const counter = this.#errors.get(code) ?? metrics.counter(allMetrics.httpErrors, { gateway, code });
    this.#errors.set(code, counter);
    return counter;
  }
}

/** Those that broke, then by the first digit of the status from 2 on. */
const statusClasses = ["broken", "2xx", "3xx", "4xx", "5xx"] as const;

class OperationSeries {
  /** In the order of `statusClasses`. */
  readonly #requests: readonly Counter[];
  readonly #seconds: Histogram;
  readonly #receivedBytes: Counter;
  readonly #sentBytes: Counter;

  constructor({ metrics, gateway }: RequestLogOptions, operation: string) {
    const labels = { gateway, operation };
    this.#requests = statusClasses.map((status) =>
      metrics.counter(allMetrics.httpRequests, { ...labels, status }),
    );
    this.#seconds = metrics.histogram(allMetrics.httpDuration, labels);
    this.#receivedBytes = metrics.counter(allMetrics.httpRequestBytes, labels);
    this.#sentBytes = metrics.counter(allMetrics.httpResponseBytes, labels);
  }

  count({ status, isBroken, durationMs, receivedBytes, sentBytes }: EndedExchange): void {
    // A connection that was upgraded counts as one that was served.
    const index = isBroken ? 0 : Math.max(1, Math.floor(status / 100) - 1);
    this.#requests[index]?.add(1);
    this.#seconds.observe(durationMs / 1000);
    this.#receivedBytes.add(receivedBytes);
    this.#sentBytes.add(sentBytes);
  }
}

/** They come every few seconds for ever, and say something only when they fail. */
function isProbe(operation: string | undefined): boolean {
  return operation === "healthz" || operation === "readyz" || operation === "metrics";
}

/** 501 says what this program cannot do, which is no fault. */
function isOwnFault(status: number): boolean {
  return status >= 500 && status !== 501 && !isDelay(status);
}

/** The node is full, busy or stopping. */
function isDelay(status: number): boolean {
  return status === 503 || status === 507;
}

function lineOf(exchange: EndedExchange): Readonly<Record<string, string | number | boolean | undefined>> {
  const { request, about, status, receivedBytes, sentBytes, durationMs, isBroken } = exchange;
  const isNamed = about !== undefined && about.bucket !== "";
  return {
    requestId: request.requestId,
    operation: about?.operation ?? otherOperation,
    method: request.method,
    bucket: isNamed ? bounded(about.bucket) : undefined,
    key: isNamed && about.key !== "" ? bounded(about.key) : undefined,
    path: isNamed ? undefined : bounded(request.path),
    status,
    code: about?.code,
    outcome: about?.outcome,
    broken: isBroken ? true : undefined,
    receivedBytes,
    sentBytes,
    durationMs: Math.round(durationMs * 1000) / 1000,
    remoteAddress: request.remoteAddress,
    accessKey: about?.accessKey,
  };
}

/** A key may have 1,024 bytes and a path any length up to the headers'; a line stays readable. */
function bounded(name: string): string {
  return name.length <= nameCharactersMax ? name : `${name.slice(0, nameCharactersMax)}…`;
}
