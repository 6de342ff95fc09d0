/**
 * The HTTP port is there from the first moment to the last, so that whoever watches the node can tell one that recovers
 * its log from one that is gone: until the node serves, and once it stops, everything but /healthz is answered by 503.
 */

import { utf8 } from "@holdfast/base";
import type { HttpHandler, HttpRequest, HttpResponse } from "@holdfast/ports";

type Phase =
  | { readonly kind: "starting" }
  | { readonly kind: "running"; readonly handler: HttpHandler }
  | { readonly kind: "stopping" };

const reasons = {
  starting: { code: "Unavailable", reason: "The node is starting: it recovers its log and its state." },
  stopping: { code: "Stopped", reason: "The node is stopping." },
} as const;

export class PhasedHandler {
  #phase: Phase = { kind: "starting" };

  readonly handle: HttpHandler = (request) => {
    const phase = this.#phase;
    if (phase.kind === "running") return phase.handler(request);
    return Promise.resolve(unavailable(request, phase.kind));
  };

  run(handler: HttpHandler): void {
    this.#phase = { kind: "running", handler };
  }

  stop(): void {
    this.#phase = { kind: "stopping" };
  }
}

function unavailable(request: HttpRequest, kind: "starting" | "stopping"): HttpResponse {
  const { requestId, path } = request;
  const about = { bucket: "", key: "", accessKey: undefined, code: undefined, outcome: undefined };
  const headers = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-holdfast-request-id": requestId,
  };
  if (path === "/healthz") {
    const plain = { ...headers, "content-type": "text/plain; charset=utf-8" };
    return { status: 200, headers: plain, body: utf8("alive\n"), about: { ...about, operation: "healthz" } };
  }
  const { code, reason } = reasons[kind];
  const isProbe = path === "/readyz";
  const document = isProbe
    ? { ready: false, writable: false, code, reason }
    : { code, message: reason, retryable: true, outcome: "not-applied", fields: {}, requestId };
  return {
    status: 503,
    headers: {
      ...headers,
      "retry-after": "1",
      "x-holdfast-error": code,
      "x-holdfast-outcome": "not-applied",
    },
    body: utf8(JSON.stringify(document)),
    about: { ...about, operation: isProbe ? "readyz" : "Other", code },
  };
}
