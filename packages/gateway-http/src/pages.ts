/**
 * What needs no signature, because it tells nothing of what is stored: whether the node lives and serves, and, to those
 * who may, its metrics. Probes come every few seconds from everywhere, so each page costs little and has a bound.
 */

import { equalBytes, StoreError, utf8 } from "@holdfast/base";
import type { Readiness } from "@holdfast/node";
import type { Clock, Hashing, HttpRequest, HttpResponse } from "@holdfast/ports";
import { isLoopback } from "./authenticate.ts";
import { jsonAnswer } from "./json.ts";

export interface PagesOptions {
  /** Never rejects, and answers within a deadline of its own. */
  readonly readiness: () => Promise<Readiness>;
  /** Renders the metrics; without it there is no such page. */
  readonly metrics?: (() => Promise<MetricsText>) | undefined;
  /** What scrapers send as bearer token; without it the metrics are for callers on this machine. */
  readonly metricsToken?: string | undefined;
  readonly hashing: Hashing;
  readonly clock: Clock;
}

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

export type Page = (request: HttpRequest) => Promise<HttpResponse>;

/** By path. */
export function pagesOf(options: PagesOptions): ReadonlyMap<string, Page> {
  const { metrics } = options;
  const pages = new Map<string, Page>([
    ["/healthz", () => Promise.resolve(textAnswer("alive\n"))],
    ["/readyz", async () => readyAnswer(await options.readiness())],
    ["/", () => Promise.resolve(textAnswer(welcome))],
  ]);
  if (metrics === undefined) return pages;
  return pages.set("/metrics", async (request) => {
    checkReader(request, options);
    const { contentType, text } = await inTime(options.clock, metrics());
    return { status: 200, headers: { "content-type": contentType }, body: utf8(text) };
  });
}

/** Scrapers wait ten seconds unless told otherwise. */
const metricsDeadlineMs = 5000;

/** A disk that does not say how full it is must not keep scrapers hanging, each with a connection. */
async function inTime<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = clock.after(metricsDeadlineMs, () =>
    reject(new StoreError("Unavailable", `The metrics could not be read within ${metricsDeadlineMs} ms.`)),
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.cancel();
  }
}

/**
 * 200 also while the disk is full: taking the node out of rotation would take away the deletes that make room. Who
 * wants to know looks at `writable`.
 */
function readyAnswer({ ready, writable, code, reason }: Readiness): HttpResponse {
  return jsonAnswer(ready ? 200 : 503, { ready, writable, code, reason }, { "cache-control": "no-store" });
}

/**
 * Prometheus cannot sign requests as everything else here is signed, so it sends a token. Metrics name no bucket and no
 * key, but they say how busy a store is: beyond this machine nobody reads them without.
 */
function checkReader(request: HttpRequest, { metricsToken, hashing }: PagesOptions): void {
  if (metricsToken === undefined) {
    if (isLoopback(request.remoteAddress)) return;
    throw new StoreError(
      "AccessDenied",
      "Without a token the metrics are for callers on the node's own machine. Set metricsToken in its config.yaml.",
    );
  }
  const given = /^Bearer +(\S+) *$/i.exec(request.headers["authorization"] ?? "")?.[1] ?? "";
  const [theirs, ours] = [given, metricsToken].map((token) => hashing.hash("sha256", utf8(token)));
  // Of hashes: how long the comparison takes says nothing about the token.
  if (theirs !== undefined && ours !== undefined && equalBytes(theirs, ours)) return;
  throw new StoreError("AccessDenied", "Send the node's metricsToken: authorization: Bearer TOKEN.");
}

function textAnswer(text: string): HttpResponse {
  return { status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: utf8(text) };
}

const welcome = `Holdfast, a distributed file store.

/healthz               alive?
/readyz                serving?
/metrics               counts and measurements, for Prometheus
/api/v1/openapi.json   the API
/api/v1/...            signed requests (AWS Signature Version 4, service "holdfast")
`;
