/**
 * Who sends a request, proven by SigV4 in the header or in the query of a presigned URL. Every request is judged here
 * before anything else looks at it: form, region, age, key, signature, in that order; only the key is waited for.
 */

import type { Authorization, Awaitable, MalformedAuthorization, SignedAuthorization } from "@holdfast/base";
import { andThen, parseAuthorization, verifySignature } from "@holdfast/base";
import type { Access } from "@holdfast/node";
import type { HttpRequest } from "@holdfast/ports";
import { declaredPayloadHash } from "./payload-form.ts";
import type { Query } from "./query.ts";
import { S3Error } from "./s3-error.ts";
import type { Requester, S3Service } from "./s3-request.ts";

const skewMsMax = 15 * 60 * 1000;

export function authenticate(
  request: HttpRequest,
  query: Query,
  service: S3Service,
  access: Access,
): Awaitable<Requester> {
  const authorization = signedAuthorization(parseAuthorization(request));
  refuseTokens(request, query);
  checkScope(authorization, service.region);
  checkAge(authorization, service.clock.wallMs());
  checkSignedHeaders(request, authorization);
  const { kind, accessKey, signedHeaders } = authorization;
  const payloadHash = declaredPayloadHash(
    kind,
    request.headers,
    query.get("X-Amz-Content-Sha256"),
    signedHeaders,
  );
  return andThen(access.credentials(accessKey), (credentials) => {
    if (credentials === undefined)
      throw new S3Error("InvalidAccessKeyId", undefined, { AWSAccessKeyId: accessKey });
    const { account, secretKey } = credentials;
    const { sha256 } = service;
    if (!verifySignature({ request, authorization, payloadHash, secretKey, sha256 })) {
      throw new S3Error("SignatureDoesNotMatch", undefined, { AWSAccessKeyId: accessKey });
    }
    return { account, secretKey, authorization };
  });
}

function signedAuthorization(authorization: Authorization): SignedAuthorization {
  switch (authorization.kind) {
    case "anonymous":
      throw new S3Error("AccessDenied");
    case "malformed":
      throw malformedError(authorization);
    case "header":
    case "query":
      return authorization;
  }
}

function malformedError({ problem, form, message }: MalformedAuthorization): S3Error {
  switch (problem) {
    case "both-forms":
      return new S3Error("InvalidArgument", message, { ArgumentName: "Authorization" });
    case "unsupported":
      return new S3Error("InvalidRequest", message);
    case "malformed":
      return form === "header"
        ? new S3Error("AuthorizationHeaderMalformed", message)
        : new S3Error("AuthorizationQueryParametersError", message);
  }
}

/** There are no temporary credentials here: a token belongs to another service's key. */
function refuseTokens(request: HttpRequest, query: Query): void {
  if (request.headers["x-amz-security-token"] === undefined && !query.has("X-Amz-Security-Token")) return;
  throw new S3Error("InvalidToken");
}

function checkScope(authorization: SignedAuthorization, region: string): void {
  const { scope, kind } = authorization;
  const code = kind === "header" ? "AuthorizationHeaderMalformed" : "AuthorizationQueryParametersError";
  if (scope.service !== "s3") {
    throw new S3Error(
      code,
      `The credential is malformed; incorrect service "${scope.service}"; expecting "s3".`,
    );
  }
  if (scope.region !== region) {
    const message = `The credential is malformed; the region '${scope.region}' is wrong; expecting '${region}'`;
    throw new S3Error(code, message, { Region: region });
  }
}

function checkAge(authorization: SignedAuthorization, nowMs: number): void {
  const { kind, timestampMs, expiresSeconds = 0 } = authorization;
  if (kind === "header") {
    if (Math.abs(nowMs - timestampMs) > skewMsMax) throw new S3Error("RequestTimeTooSkewed");
    return;
  }
  if (timestampMs - nowMs > skewMsMax) throw new S3Error("AccessDenied", "Request is not valid yet");
  if (nowMs - timestampMs > expiresSeconds * 1000) throw new S3Error("AccessDenied", "Request has expired");
}

/** Headers that change what a request means must be covered by its signature. */
function checkSignedHeaders(request: HttpRequest, authorization: SignedAuthorization): void {
  for (const name in request.headers) {
    if (!name.startsWith("x-amz-") && !name.startsWith("x-holdfast-")) continue;
    if (authorization.signedHeaders.includes(name)) continue;
    // Who uses a presigned URL may add the hash of what it sends; it only makes the request stricter.
    if (name === "x-amz-content-sha256" && authorization.kind === "query") continue;
    const message = "There were headers present in the request which were not signed";
    throw new S3Error("AccessDenied", message, { HeadersNotSigned: name });
  }
}

/** Parameters of a presigned URL that are its signature's own. */
const signatureParameters: ReadonlySet<string> = new Set([
  "x-amz-algorithm",
  "x-amz-content-sha256",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-expires",
  "x-amz-signature",
  "x-amz-signedheaders",
]);

/**
 * The headers, and for a presigned URL the `x-amz-*` parameters that SDKs put there in place of headers (metadata, ACL).
 * They are signed, so they count; where both are given they must agree, or the header would win unseen. Checksums do
 * not count, as with S3 itself: who signs a URL has no body yet, and AWS SDK v3 signs the CRC of the empty one.
 */
export function effectiveHeaders(
  headers: Readonly<Record<string, string | undefined>>,
  query: Query,
  authorization: SignedAuthorization,
): Readonly<Record<string, string | undefined>> {
  if (authorization.kind === "header") return headers;
  const merged: Record<string, string | undefined> = { ...headers };
  for (const [parameter, value] of query) {
    const name = parameter.toLowerCase();
    if (!name.startsWith("x-amz-") || signatureParameters.has(name) || isChecksumParameter(name)) continue;
    if (headers[name] !== undefined && headers[name] !== value) {
      throw new S3Error("InvalidRequest", `The header and the query parameter ${name} differ.`);
    }
    merged[name] = value;
  }
  return merged;
}

function isChecksumParameter(name: string): boolean {
  return name.startsWith("x-amz-checksum-") || name === "x-amz-sdk-checksum-algorithm";
}
