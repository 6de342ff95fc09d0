/** The native HTTP API as one pure handler: health, the document that describes it, and /api/v1 behind signatures. */

import type { Random, RequestFrame } from "@holdfast/base";
import { present, StoreError, streamLimits, utf8 } from "@holdfast/base";
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
import type { Caller } from "./authenticate.ts";
import { Authenticator } from "./authenticate.ts";
import type { WholeAnswer } from "./error-answer.ts";
import { errorAnswer, statusOfError } from "./error-answer.ts";
import { openApiDocument } from "./openapi.ts";
import type { ApiCall, ApiContext } from "./operation.ts";
import { operations } from "./operations.ts";
import type { MetricsText } from "./pages.ts";
import { pagesOf } from "./pages.ts";
import { decodePercent, Query } from "./query.ts";
import { RequestFacts } from "./request-facts.ts";
import { Router } from "./router.ts";
import type { ServerFacts } from "./server-facts.ts";
import { answerBody } from "./stream/answer-body.ts";
import type { OperationAnswer } from "./stream/operation-stream.ts";
import { StreamOpener } from "./stream/stream-opener.ts";
import type { StreamedRequest } from "./stream/streamed-request.ts";
import { checkFields } from "./stream/streamed-request.ts";
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
  /** Fit for secrets; without it there are no streams. */
  readonly random?: Random;
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
  readonly #operations = new Map(operations.map((operation) => [operation.operationId, operation]));
  readonly #pages: ReturnType<typeof pagesOf>;
  readonly #openApi: Uint8Array = utf8(JSON.stringify(openApiDocument(operations)));

  constructor(options: HttpGatewayOptions) {
    const { files, maintenance, cluster, tokens, clock, hashing, status, journal, server } = options;
    this.#authenticator = new Authenticator(options);
    const run = this.#runStreamed.bind(this);
    const streams = new StreamOpener({ ...options, authenticator: this.#authenticator, run });
    this.#context = { files, maintenance, cluster, tokens, clock, hashing, status, server, streams };
    this.#pages = pagesOf(options);
    this.#journal = journal;
  }

  async handle(request: HttpRequest): Promise<HttpResponse> {
    const about = new RequestFacts();
    const answer = await this.#answer(request, about);
    const headers = { ...answer.headers, "x-holdfast-request-id": request.requestId };
    return { ...answer, headers, about };
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
    const { bucket, key } = about;
    const node = decodePercent(route.node, "InvalidArgument");
    const query = new Query(unsignedQuery(request.query));
    return operation.run({ ...this.#callOf(request, caller), query, bucket, key, node });
  }

  #callOf(request: HttpRequest, caller: Caller): Pick<ApiCall, "context" | "request" | "caller"> {
    const files = this.#context.files.within({ requestId: request.requestId });
    return { context: { ...this.#context, files }, request, caller };
  }

  /** An operation of a stream, whose caller was known before. */
  async #runStreamed(
    frame: RequestFrame,
    request: StreamedRequest,
    caller: Caller,
  ): Promise<OperationAnswer> {
    const about = new RequestFacts();
    about.accessKey = caller.accessKey;
    const { operation: operationId, bucket, key } = frame;
    Object.assign(about, { operation: operationId, bucket, key });
    const id = { "x-holdfast-request-id": request.requestId };
    try {
      const operation = present(this.#operations.get(operationId), operationId);
      checkFields(frame.fields);
      const call = { ...this.#callOf(request, caller), query: noQuery, bucket, key, node: "" };
      const answer = await operation.run(call);
      const body = await answerBody(answer, streamLimits.bodyBytesMax);
      return { ...answer, headers: { ...answer.headers, ...id }, body, about, isTooLong: body === undefined };
    } catch (cause) {
      return { ...this.#failure(request, cause, about), about };
    }
  }

  #describe(request: HttpRequest): HttpResponse {
    if (request.method !== "GET" && request.method !== "HEAD") return notAllowed(request, ["GET", "HEAD"]);
    return { status: 200, headers: { "content-type": "application/json" }, body: this.#openApi };
  }

  #failure(request: HttpRequest, cause: unknown, about: RequestFacts): WholeAnswer {
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

const noQuery = new Query("");

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
