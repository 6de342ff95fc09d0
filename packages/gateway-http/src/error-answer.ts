/** How failures leave the native API: one JSON document, and a status for clients that look no further. */

import type { ErrorCode, Outcome } from "@holdfast/base";
import { StoreError, utf8 } from "@holdfast/base";
import type { HttpResponse } from "@holdfast/ports";

/** An answer whose body is at hand. */
export interface WholeAnswer extends HttpResponse {
  readonly body: Uint8Array | undefined;
}

/** What a client reads of a failure. */
export interface ErrorDocument {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly outcome: Outcome;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  readonly requestId: string;
}

/** 503 is for what was not applied; a failure whose outcome is open is a 500, whatever its code. */
export function statusOfError(error: StoreError): number {
  const status = statusOfCode(error.code);
  return status === 503 && error.outcome !== "not-applied" ? 500 : status;
}

/** Exhaustive: a new code does not compile until it has its status. */
export function statusOfCode(code: ErrorCode): number {
  return statusByCode[code];
}

const statusByCode: Readonly<Record<ErrorCode, number>> = {
  BucketNotFound: 404,
  BucketAlreadyExists: 409,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  NodeNotFound: 404,
  NodeConflict: 409,
  NodeInUse: 409,
  InvalidToken: 403,
  LayoutConflict: 409,
  InvalidBucketName: 400,
  FileNotFound: 404,
  InvalidKey: 400,
  KeyTooLong: 400,
  ConditionFailed: 412,
  NotModified: 304,
  InvalidRange: 416,
  InvalidDigest: 400,
  ChecksumMismatch: 400,
  IncompleteBody: 400,
  BodyTooLarge: 413,
  MissingContentLength: 411,
  MetadataTooLarge: 400,
  UploadNotFound: 404,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  PartTooSmall: 400,
  AccessDenied: 403,
  InvalidAccessKey: 403,
  SignatureMismatch: 403,
  MalformedAuthorization: 400,
  RequestExpired: 403,
  RequestTimeSkewed: 403,
  InvalidArgument: 400,
  InvalidRequest: 400,
  MalformedXml: 400,
  MethodNotAllowed: 405,
  NotImplemented: 501,
  RequestTimeout: 408,
  OutOfSpace: 507,
  Overloaded: 503,
  Unavailable: 503,
  Stopped: 503,
  StaleEvidence: 503,
  DataCorrupt: 500,
  OutcomeUnknown: 500,
  Internal: 500,
};

/** `status` replaces the code's own, where the address is what is wrong. */
export function errorAnswer(
  error: StoreError,
  requestId: string,
  status: number = statusOfError(error),
): WholeAnswer {
  const document: ErrorDocument = {
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    outcome: error.outcome,
    fields: error.fields,
    requestId,
  };
  // Answers to HEAD and 304 have no body: the headers say as much as a program needs.
  const headers: Record<string, string> = {
    "x-holdfast-error": error.code,
    "x-holdfast-outcome": error.outcome,
    "x-holdfast-request-id": requestId,
  };
  const { etag, bytes } = error.fields;
  if (typeof etag === "string") headers["etag"] = `"${etag}"`;
  if (error.code === "InvalidRange" && typeof bytes === "number")
    headers["content-range"] = `bytes */${bytes}`;
  if (status === 304) return { status, headers, body: undefined };
  return {
    status,
    headers: { ...headers, "content-type": "application/json" },
    body: utf8(JSON.stringify(document)),
  };
}
