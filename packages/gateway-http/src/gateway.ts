/** The native HTTP API as one pure handler: health, the document that describes it, and /api/v1 behind signatures. */

import { StoreError, utf8 } from "@holdfast/base";
import type { Access, Files, Maintenance, NodeStatus } from "@holdfast/node";
import type { Clock, Hashing, HttpHandler, HttpRequest, HttpResponse, Journal } from "@holdfast/ports";
import { Authenticator } from "./authenticate.ts";
import { errorAnswer, statusOfError } from "./error-answer.ts";
import { openApiDocument } from "./openapi.ts";
import type { ApiContext } from "./operation.ts";
import { operations } from "./operations.ts";
import { decodePercent, Query } from "./query.ts";
import { Router } from "./router.ts";

export interface HttpGatewayOptions {
  readonly files: Files;
  readonly maintenance: Maintenance;
  readonly access: Access;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly status: () => Promise<NodeStatus>;
}

const apiPrefix = "/api/v1";

/** The handler never throws: whatever goes wrong is an answer. */
export function createHttpGateway(options: HttpGatewayOptions): HttpHandler {
  const gateway = new Gateway(options);
  return (request) => gateway.handle(request);
}

class Gateway {
  readonly #context: ApiContext;
  readonly #journal: Journal;
  readonly #authenticator: Authenticator;
  readonly #router = new Router(operations);
  readonly #openApi: Uint8Array = utf8(JSON.stringify(openApiDocument(operations)));

  constructor(options: HttpGatewayOptions) {
    const { files, maintenance, clock, hashing, status, journal } = options;
    this.#context = { files, maintenance, clock, hashing, status };
    this.#journal = journal;
    this.#authenticator = new Authenticator(options);
  }

  async handle(request: HttpRequest): Promise<HttpResponse> {
    try {
      if (request.path.startsWith(`${apiPrefix}/`)) return await this.#api(request);
      return await this.#outside(request);
    } catch (cause) {
      return this.#failure(request, cause);
    }
  }

  /** What needs no signature, because it tells nothing of what is stored. */
  async #outside(request: HttpRequest): Promise<HttpResponse> {
    const page = this.#page(request.path);
    if (page === undefined) return notFound(request);
    if (request.method !== "GET" && request.method !== "HEAD") return notAllowed(request, ["GET", "HEAD"]);
    return page();
  }

  #page(path: string): (() => Promise<HttpResponse>) | undefined {
    if (path === "/healthz") return () => Promise.resolve(textAnswer(200, "alive\n"));
    if (path === "/readyz") return () => this.#readiness();
    if (path === "/") return () => Promise.resolve(textAnswer(200, welcome));
    return undefined;
  }

  async #readiness(): Promise<HttpResponse> {
    const { ready, reason } = await this.#context.status();
    return ready ? textAnswer(200, "ready\n") : textAnswer(503, `not ready: ${reason ?? "starting"}\n`);
  }

  async #api(request: HttpRequest): Promise<HttpResponse> {
    if (request.path === `${apiPrefix}/openapi.json`) return this.#describe(request);
    const caller = await this.#authenticator.authenticate(request);
    const route = this.#router.find(request.path.slice(apiPrefix.length));
    if (route === undefined) return notFound(request);
    const operation = route.operations.get(request.method);
    if (operation === undefined) return notAllowed(request, [...route.operations.keys()]);
    return operation.run({
      context: this.#context,
      request,
      caller,
      query: new Query(unsignedQuery(request.query)),
      bucket: decodePercent(route.bucket, "InvalidBucketName"),
      key: decodePercent(route.key, "InvalidKey"),
    });
  }

  #describe(request: HttpRequest): HttpResponse {
    if (request.method !== "GET" && request.method !== "HEAD") return notAllowed(request, ["GET", "HEAD"]);
    return { status: 200, headers: { "content-type": "application/json" }, body: this.#openApi };
  }

  #failure(request: HttpRequest, cause: unknown): HttpResponse {
    const { requestId, method } = request;
    const error =
      cause instanceof StoreError
        ? cause
        : new StoreError("Internal", "The server failed; its log has more.", { cause });
    if (statusOfError(error) >= 500) {
      this.#journal.error("gateway-http.failed", {
        requestId,
        method,
        code: error.code,
        message: error.cause instanceof Error ? error.cause.message : error.message,
      });
    }
    return errorAnswer(error, requestId);
  }
}

/** The parameters of a signed URL are no parameters of an operation. */
function unsignedQuery(query: string): string {
  if (!query.includes("X-Amz-")) return query;
  return query
    .split("&")
    .filter((piece) => !piece.startsWith("X-Amz-"))
    .join("&");
}

function notFound(request: HttpRequest): HttpResponse {
  const error = new StoreError(
    "InvalidRequest",
    `There is nothing at this address; ${apiPrefix}/openapi.json lists what there is.`,
  );
  return errorAnswer(error, request.requestId, 404);
}

function notAllowed(request: HttpRequest, methods: readonly string[]): HttpResponse {
  const allow = methods.join(", ");
  const answer = errorAnswer(
    new StoreError("MethodNotAllowed", `This address knows ${allow}.`),
    request.requestId,
  );
  return { ...answer, headers: { ...answer.headers, allow } };
}

function textAnswer(status: number, text: string): HttpResponse {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body: utf8(text) };
}

const welcome = `Holdfast, a distributed file store.

/healthz               alive?
/readyz                serving?
/api/v1/openapi.json   the API
/api/v1/...            signed requests (AWS Signature Version 4, service "holdfast")
`;
