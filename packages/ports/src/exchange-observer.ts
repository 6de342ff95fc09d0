/** Who hears of every request when it has ended: one line in the journal, and its metrics. */

import type { HttpRequest, RequestSummary } from "./http-request.ts";

export interface ExchangeObserver {
  onBegin(): void;
  /** Once for each `onBegin`. */
  onEnd(exchange: EndedExchange): void;
}

export interface EndedExchange {
  readonly request: HttpRequest;
  /** Undefined when the gateway failed to answer. */
  readonly about: RequestSummary | undefined;
  readonly status: number;
  /** Of the bodies. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly durationMs: number;
  /** The answer did not reach its end: the client went away, or the body failed. */
  readonly isBroken: boolean;
}

export const silentObserver: ExchangeObserver = { onBegin: () => undefined, onEnd: () => undefined };
