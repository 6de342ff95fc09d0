/** A request as the operations see it: authenticated, its target and query read. */

import type { Sha256, SignedAuthorization } from "@holdfast/base";
import type { Files } from "@holdfast/node";
import type { Clock, Hashing, HttpRequest, HttpResponse, Journal } from "@holdfast/ports";
import type { Query } from "./query.ts";
import type { RequestTarget } from "./request-target.ts";

/** What operations work with, the same for all requests. */
export interface S3Service {
  readonly files: Files;
  readonly clock: Clock;
  readonly hashing: Hashing;
  /** One and the same function for the life of the gateway: signing keys are remembered with it. */
  readonly sha256: Sha256;
  readonly region: string;
  readonly journal: Journal;
}

export interface Requester {
  readonly account: string;
  readonly secretKey: string;
  readonly authorization: SignedAuthorization;
}

export interface S3Request extends RequestTarget {
  readonly service: S3Service;
  readonly http: HttpRequest;
  /** With the `x-amz-*` parameters of a presigned URL among them. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: Query;
  readonly requester: Requester;
}

export type Operation = (request: S3Request) => Promise<HttpResponse>;
