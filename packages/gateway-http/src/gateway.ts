/** The native HTTP API as one pure handler: health, the document that describes it, and /api/v1 behind signatures. */

import { StoreError, utf8 } from "@holdfast/base";
import type {
  Access,
  ClusterView,
  Files,
  Maintenance,
  MemberChanges,
  NodeStatus,
  Readiness,
} from "@holdfast/node";
import type { Clock, Hashing, HttpHandler, HttpRequest, HttpResponse, Journal } from "@holdfast/ports";
import { Authenticator } from "./authenticate.ts";
import { errorAnswer, statusOfError } from "./error-answer.ts";
import { openApiDocument } from "./openapi.ts";
import type { ApiContext } from "./operation.ts";
import { operations } from "./operations.ts";
import type { MetricsText } from "./pages.ts";
import { pagesOf } from "./pages.ts";
import { decodePercent, Query } from "./query.ts";
import { RequestFacts } from "./request-facts.ts";
import { Router } from "./router.ts";
import type { ServerFacts } from "./server-facts.ts";
import type { TokenIssuer } from "./token-issuer.ts";

export interface HttpGatewayOptions {
  readonly files: Files;
  readonly maintenance: Maintenance;
  readonly cluster: ClusterView & MemberChanges;
  /** Makes join tokens; without it the node listens for no others. */
  readonly tokens?: TokenIssuer | undefined;
  readonly access: Access;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly status: () => Promise<NodeStatus>;
  /** Whether the node serves; never rejects, and answers within a deadline of its own. */
  readonly readiness: () => Promise<Readiness>;
  /** Renders the metrics; without it there is no such page. */
  readonly metrics?: () => Promise<MetricsText>;
  /** Who reads metrics from another machine sends it as bearer token; nobody may without. */
  readonly metricsToken?: string | undefined;
  /** About the process, for the status. */
  readonly server?: ServerFacts;
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
  readonly #pages: ReturnType<typeof pagesOf>;
  readonly #openApi: Uint8Array = utf8(JSON.stringify(openApiDocument(operations)));

  constructor(options: HttpGatewayOptions) {
    const { files, maintenance, cluster, tokens, clock, hashing, status, journal, server } = options;
    this.#context = { files, maintenance, cluster, tokens, clock, hashing, status, server };
    this.#pages = pagesOf(options);
    this.#journal = journal;
    this.#authenticator = new Authenticator(options);
  }

  async handle(request: HttpRequest): Promise<HttpResponse> {
    const about = new RequestFacts();
    const answer = await this.#answer(request, about);
    const headers = { ...answer.headers, "x-holdfast-request-id": request.requestId };
    return { status: answer.status, headers, body: answer.body, about };
  }

  async #answer(request: HttpRequest, about: RequestFacts): Promise<HttpResponse> {
    try {
      if (request.path.startsWith(`${apiPrefix}/`)) return await this.#api(request, about);
      return await this.#outside(request, about);
    } catch (cause) {
      return this.#failure(request, cause, about);
    }
  }

  async #outside(request: HttpRequest, about: RequestFacts): Promise<HttpResponse> {
    const page = this.#pages.get(request.path);
    if (page === undefined) return notFound(request);
    about.operation = request.path === "/" ? "welcome" : request.path.slice(1);
    if (request.method !== "GET" && request.method !== "HEAD") return notAllowed(request, ["GET", "HEAD"]);
    return page(request);
  }

  async #api(request: HttpRequest, about: RequestFacts): Promise<HttpResponse> {
    if (request.path === `${apiPrefix}/openapi.json`) return this.#describe(request);
    const route = this.#router.find(request.path.slice(apiPrefix.length));
    const operation = route?.operations.get(request.method);
    if (operation !== undefined) about.operation = operation.operationId;
    const caller = await this.#authenticator.authenticate(request);
    about.accessKey = caller.accessKey;
    if (route === undefined) return notFound(request);
    about.bucket = decodePercent(route.bucket, "InvalidBucketName");
    about.key = decodePercent(route.key, "InvalidKey");
    if (operation === undefined) return notAllowed(request, [...route.operations.keys()]);
    const files = this.#context.files.within({ requestId: request.requestId });
    return operation.run({
      context: { ...this.#context, files },
      request,
      caller,
      query: new Query(unsignedQuery(request.query)),
      bucket: about.bucket,
      key: about.key,
      node: decodePercent(route.node, "InvalidArgument"),
    });
  }

  #describe(request: HttpRequest): HttpResponse {
    if (request.method !== "GET" && request.method !== "HEAD") return notAllowed(request, ["GET", "HEAD"]);
    return { status: 200, headers: { "content-type": "application/json" }, body: this.#openApi };
  }

  #failure(request: HttpRequest, cause: unknown, about: RequestFacts): HttpResponse {
    const { requestId, method } = request;
    const error =
      cause instanceof StoreError
        ? cause
        : new StoreError("Internal", "The server failed; its log has more.", { cause });
    about.noteFailure(error);
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
