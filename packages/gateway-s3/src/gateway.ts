/**
 * The S3 gateway: a request becomes an authenticated S3Request, the router finds its operation, and whatever is thrown
 * on the way becomes S3's answer to it. It holds no state but the signing keys it remembers.
 */

import type { Awaitable } from "@holdfast/base";
import { andThen } from "@holdfast/base";
import type { Access, Files } from "@holdfast/node";
import type { Clock, Hashing, HttpHandler, HttpRequest, HttpResponse, Journal } from "@holdfast/ports";
import { authenticate, effectiveHeaders } from "./authenticate.ts";
import { refusal } from "./error-answer.ts";
import { parseQuery } from "./query.ts";
import { operationName, RequestFacts } from "./request-facts.ts";
import { parseTarget } from "./request-target.ts";
import { route } from "./router.ts";
import { S3Error } from "./s3-error.ts";
import type { S3Request, S3Service } from "./s3-request.ts";
import { refuseUnsupported } from "./unsupported-headers.ts";

export interface S3GatewayOptions {
  readonly files: Files;
  readonly access: Access;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly journal: Journal;
  /** The only region that signatures may name; "us-east-1" unless given. */
  readonly region?: string;
  /** Domains below which hosts are buckets (`bucket.domain`); none unless given. Path style works always. */
  readonly domains?: readonly string[];
}

/** The handler never throws: whatever goes wrong is an answer. */
export function createS3Gateway(options: S3GatewayOptions): HttpHandler {
  const { files, access, clock, hashing, journal, region = "us-east-1", domains = [] } = options;
  const sha256 = (data: Uint8Array): Uint8Array => hashing.hash("sha256", data);
  const service: S3Service = { files, clock, hashing, sha256, region, journal };
  return async (http) => {
    const about = new RequestFacts();
    let answer: HttpResponse;
    try {
      answer = await serve(http, about, { service, access, domains });
    } catch (error) {
      about.noteFailure(error);
      answer = refusal(http, error, journal);
    }
    return finished(http, answer, about);
  };
}

interface Surroundings {
  readonly service: S3Service;
  readonly access: Access;
  readonly domains: readonly string[];
}

function serve(
  http: HttpRequest,
  about: RequestFacts,
  { service, access, domains }: Surroundings,
): Awaitable<HttpResponse> {
  const target = parseTarget(http.path, http.headers["host"], domains);
  const query = parseQuery(http.query);
  const isCopy = http.headers["x-amz-copy-source"] !== undefined;
  about.noteTarget(
    target.bucket,
    target.key,
    operationName({ ...target, method: http.method, query, isCopy }),
  );
  return andThen(authenticate(http, query, service, access), (requester) => {
    about.accessKey = requester.authorization.accessKey;
    const headers = effectiveHeaders(http.headers, query, requester.authorization);
    const operation = route({ ...target, method: http.method, query });
    refuseUnsupported(headers);
    const files = service.files.within({ requestId: http.requestId });
    const request: S3Request = { ...target, service: { ...service, files }, http, headers, query, requester };
    const owner = headers["x-amz-expected-bucket-owner"];
    return andThen(owner === undefined ? undefined : checkExpectedOwner(request, owner), () =>
      operation(request),
    );
  });
}

/** `x-amz-expected-bucket-owner`: a name taken over by somebody else is not written to by accident. */
async function checkExpectedOwner({ bucket, service }: S3Request, expected: string): Promise<void> {
  if (bucket === "") return;
  const { owner } = await service.files.bucket(bucket);
  if (owner !== expected) throw new S3Error("AccessDenied");
}

/** What every answer carries; a HEAD's body stays behind. */
function finished(http: HttpRequest, answer: HttpResponse, about: RequestFacts): HttpResponse {
  const headers = { ...answer.headers, "x-amz-request-id": http.requestId, "x-amz-id-2": "holdfast" };
  return { status: answer.status, headers, body: http.method === "HEAD" ? undefined : answer.body, about };
}
