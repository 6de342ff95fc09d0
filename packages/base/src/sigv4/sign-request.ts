/** The client's half of SigV4: signs a request in its headers, or makes a URL that carries its own signature. */

import { assert } from "../assert.ts";
import { formatIso8601Basic } from "../civil-date.ts";
import type { SignableRequest } from "./canonical-request.ts";
import type { Sha256 } from "./hmac-sha256.ts";
import { algorithm, signatureOf, unsignedPayload } from "./signature.ts";
import { scopeText } from "./signing-key.ts";
import { uriEncode } from "./uri-encoding.ts";

export interface SigningCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** "s3", or "holdfast" for the HTTP API. */
  readonly service: string;
  readonly wallMs: number;
  /** The same function each time: signing keys are remembered with it. */
  readonly sha256: Sha256;
}

export interface SignRequestInput extends SignableRequest, SigningCredentials {
  /** SHA-256 of the body in lower-case hex, `UNSIGNED-PAYLOAD`, or one of the streaming forms. */
  readonly payloadHash: string;
}

export interface SignatureHeaders {
  readonly "x-amz-date": string;
  readonly "x-amz-content-sha256": string;
  readonly authorization: string;
}

/** Headers that proxies and HTTP libraries may change or add on the way. */
const unsignedHeaders: ReadonlySet<string> = new Set([
  "authorization",
  "connection",
  "expect",
  "keep-alive",
  "te",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "x-amzn-trace-id",
]);

/** The headers to add to the request. All given headers are signed, but for those that change on the way. */
export function signRequest(input: SignRequestInput): SignatureHeaders {
  const timestamp = formatIso8601Basic(input.wallMs);
  const scope = { date: timestamp.slice(0, 8), region: input.region, service: input.service };
  const added = { "x-amz-date": timestamp, "x-amz-content-sha256": input.payloadHash };
  const request = { ...input, headers: { ...input.headers, ...added } };
  const signedHeaders = headersToSign(request.headers);
  const signature = signatureOf({ ...input, request, signedHeaders, timestamp, scope });
  const credential = `${input.accessKey}/${scopeText(scope)}`;
  const authorization = `${algorithm} Credential=${credential},SignedHeaders=${signedHeaders.join(";")},Signature=${signature}`;
  return { ...added, authorization };
}

export interface PresignRequestInput extends SignableRequest, SigningCredentials {
  /** 1 to 604,800 (a week). */
  readonly expiresSeconds: number;
  /** `UNSIGNED-PAYLOAD` unless given: who uses the URL chooses the body. */
  readonly payloadHash?: string;
}

/** The whole query of the signed URL. Whoever uses it must send the given headers as they are. */
export function presignRequest(input: PresignRequestInput): string {
  assert(input.expiresSeconds >= 1 && input.expiresSeconds <= 604_800, "a signed URL lives 1 s to 7 days");
  const timestamp = formatIso8601Basic(input.wallMs);
  const scope = { date: timestamp.slice(0, 8), region: input.region, service: input.service };
  const signedHeaders = headersToSign(input.headers);
  const parameters = [
    `X-Amz-Algorithm=${algorithm}`,
    `X-Amz-Credential=${uriEncode(`${input.accessKey}/${scopeText(scope)}`)}`,
    `X-Amz-Date=${timestamp}`,
    `X-Amz-Expires=${input.expiresSeconds}`,
    `X-Amz-SignedHeaders=${uriEncode(signedHeaders.join(";"))}`,
  ];
  if (input.query !== "") parameters.unshift(input.query);
  const query = parameters.join("&");
  const payloadHash = input.payloadHash ?? unsignedPayload;
  const signature = signatureOf({
    ...input,
    request: { ...input, query },
    signedHeaders,
    payloadHash,
    timestamp,
    scope,
  });
  return `${query}&X-Amz-Signature=${signature}`;
}

function headersToSign(headers: SignableRequest["headers"]): readonly string[] {
  assert(headers["host"] !== undefined, "a signature covers the host header");
  return Object.keys(headers)
    .filter((name) => headers[name] !== undefined && !unsignedHeaders.has(name))
    .sort();
}
