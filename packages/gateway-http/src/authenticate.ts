/** Who sent a request, by AWS's Signature Version 4 with the service "holdfast" and any region. */

import type { Awaitable, Sha256, SignedAuthorization } from "@holdfast/base";
import { parseAuthorization, StoreError, unsignedPayload, verifySignature } from "@holdfast/base";
import type { Access, Credentials } from "@holdfast/node";
import type { Clock, Hashing, HttpRequest } from "@holdfast/ports";

export const service = "holdfast";

/** How far the clocks of client and node may be apart. */
const skewMsMax = 15 * 60_000;

/** What the signature says of the body; whoever reads the body holds it against that. */
export type Payload =
  | { readonly kind: "unsigned" }
  /** Lower-case hex. */
  | { readonly kind: "signed"; readonly sha256: string };

export interface Caller {
  readonly account: string;
  readonly accessKey: string;
  readonly payload: Payload;
}

export interface AuthenticationPorts {
  readonly access: Access;
  readonly clock: Clock;
  readonly hashing: Hashing;
}

export class Authenticator {
  readonly #access: Access;
  readonly #clock: Clock;
  readonly #sha256: Sha256;

  constructor(ports: AuthenticationPorts) {
    this.#access = ports.access;
    this.#clock = ports.clock;
    this.#sha256 = (data) => ports.hashing.hash("sha256", data);
  }

  /** The caller's secret key. InvalidAccessKey once the access key is revoked. */
  async secretKeyOf({ accessKey }: Caller): Promise<string> {
    const credentials = await this.#access.credentials(accessKey);
    if (credentials === undefined) throw unknownKey();
    return credentials.secretKey;
  }

  /** Why that secret key is no longer good for the caller; undefined when it is. Never rejects. */
  refusalOf({ accessKey }: Caller, secretKey: string): Awaitable<StoreError | undefined> {
    const judge = (found: Credentials | undefined): StoreError | undefined =>
      found?.secretKey === secretKey ? undefined : unknownKey();
    const found = this.#access.credentials(accessKey);
    return found instanceof Promise ? found.then(judge).catch(unchecked) : judge(found);
  }

  /** One function for good: keys are remembered with it. */
  get sha256(): Sha256 {
    return this.#sha256;
  }

  /** AccessDenied, MalformedAuthorization, RequestTimeSkewed, RequestExpired, InvalidAccessKey, SignatureMismatch. */
  async authenticate(request: HttpRequest): Promise<Caller> {
    const authorization = parseAuthorization(request);
    if (authorization.kind === "anonymous")
      throw new StoreError("AccessDenied", "Sign the request (AWS Signature Version 4).");
    if (authorization.kind === "malformed")
      throw new StoreError("MalformedAuthorization", authorization.message);
    if (authorization.scope.service !== service) {
      throw new StoreError("MalformedAuthorization", `Sign for the service "${service}".`);
    }
    this.#checkTime(authorization);
    checkCoverage(request, authorization);
    const payload = payloadOf(request, authorization);
    const credentials = await this.#access.credentials(authorization.accessKey);
    if (credentials === undefined) throw unknownKey();
    const { secretKey, account } = credentials;
    const payloadHash = payload.kind === "signed" ? payload.sha256 : unsignedPayload;
    if (!verifySignature({ request, authorization, payloadHash, secretKey, sha256: this.#sha256 })) {
      throw new StoreError(
        "SignatureMismatch",
        "The signature is not that of this request: check the secret key.",
      );
    }
    return { account, accessKey: authorization.accessKey, payload };
  }

  #checkTime(authorization: SignedAuthorization): void {
    const ageMs = this.#clock.wallMs() - authorization.timestampMs;
    if (authorization.expiresSeconds === undefined) {
      if (Math.abs(ageMs) <= skewMsMax) return;
      throw new StoreError("RequestTimeSkewed", "The clocks of client and server are over 15 minutes apart.");
    }
    if (ageMs < -skewMsMax) throw new StoreError("RequestTimeSkewed", "The signed URL is not valid yet.");
    if (ageMs > authorization.expiresSeconds * 1000)
      throw new StoreError("RequestExpired", "The signed URL has expired.");
  }
}

function unknownKey(): StoreError {
  return new StoreError("InvalidAccessKey", "The access key does not exist.");
}

function unchecked(cause: unknown): StoreError {
  return cause instanceof StoreError
    ? cause
    : new StoreError("Unavailable", "The access key cannot be checked now.", { cause });
}

/** Whoever stands in between must not be able to add a header that means something here. */
function checkCoverage(request: HttpRequest, authorization: SignedAuthorization): void {
  for (const name of Object.keys(request.headers)) {
    if (!name.startsWith("x-amz-") && !name.startsWith("x-holdfast-")) continue;
    if (authorization.signedHeaders.includes(name)) continue;
    throw new StoreError("AccessDenied", `Sign the header ${name} too.`, { fields: { header: name } });
  }
}

function payloadOf(request: HttpRequest, authorization: SignedAuthorization): Payload {
  const declared =
    request.headers["x-amz-content-sha256"] ?? (authorization.kind === "query" ? unsignedPayload : undefined);
  if (declared === undefined)
    throw new StoreError("InvalidRequest", "The header x-amz-content-sha256 is missing.");
  if (declared === unsignedPayload) {
    if (mayCarryBody(request) && !isLoopback(request.remoteAddress)) {
      throw new StoreError(
        "InvalidRequest",
        "Over a network without encryption, sign the body (x-amz-content-sha256).",
      );
    }
    return { kind: "unsigned" };
  }
  if (/^[0-9a-f]{64}$/.test(declared)) return { kind: "signed", sha256: declared };
  throw new StoreError(
    "InvalidRequest",
    "x-amz-content-sha256 is the body's SHA-256 in lower-case hex or UNSIGNED-PAYLOAD.",
  );
}

function mayCarryBody(request: HttpRequest): boolean {
  return request.method === "PUT" || request.method === "POST";
}

export function isLoopback(address: string): boolean {
  return /^(?:::ffff:)?127\./.test(address) || address === "::1";
}
