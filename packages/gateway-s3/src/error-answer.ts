/** Whatever went wrong, as S3 says it: code, status, XML, and what became of the request. */

import type { Outcome } from "@holdfast/base";
import { StoreError, utf8 } from "@holdfast/base";
import type { HttpRequest, HttpResponse, Journal } from "@holdfast/ports";
import type { ErrorDetails, S3Code } from "./s3-error.ts";
import { httpStatus, S3Error, s3CodeOf, s3ErrorKinds } from "./s3-error.ts";
import { leaf, plainXmlDocument } from "./xml-writer.ts";

export interface Failure {
  readonly code: S3Code;
  readonly message: string;
  readonly outcome: Outcome;
  readonly details: ErrorDetails;
  readonly headers: Readonly<Record<string, string>>;
}

/** Anything that was thrown, as a failure. What is neither of the two known kinds is a fault of this program. */
export function failureOf(error: unknown): Failure {
  if (error instanceof S3Error) {
    const { code, message, details } = error;
    return { code, message, outcome: "not-applied", details, headers: {} };
  }
  if (!(error instanceof StoreError)) {
    const message = s3ErrorKinds.InternalError.message;
    return { code: "InternalError", message, outcome: "unknown", details: {}, headers: {} };
  }
  const usual = s3CodeOf[error.code];
  // INTERFACE.md: a 503 is only for what was not applied; clients repeat it without a thought.
  const code = httpStatus(usual) === 503 && error.outcome !== "not-applied" ? "InternalError" : usual;
  // What went wrong inside is for the journal.
  const message = code === "InternalError" ? s3ErrorKinds.InternalError.message : error.message;
  return { code, message, outcome: error.outcome, ...particulars(error) };
}

/** Details and headers that the error's fields give; the bucket and key stand in `Resource`. */
function particulars(error: StoreError): Pick<Failure, "details" | "headers"> {
  const { etag, bytes, bytesMax } = error.fields;
  if (error.code === "NotModified" && typeof etag === "string") {
    return { details: {}, headers: { etag: `"${etag}"` } };
  }
  if (error.code === "InvalidRange" && typeof bytes === "number") {
    return { details: { ActualObjectSize: bytes }, headers: { "content-range": `bytes */${bytes}` } };
  }
  const tooLarge = error.code === "BodyTooLarge" && typeof bytesMax === "number";
  return { details: tooLarge ? { MaxSizeAllowed: bytesMax } : {}, headers: {} };
}

export function errorAnswer(failure: Failure, resource: string, requestId: string): HttpResponse {
  const status = httpStatus(failure.code);
  if (status === 304) return { status, headers: failure.headers, body: undefined };
  const details = Object.entries(failure.details).map(([name, value]) => leaf(name, value));
  const body = utf8(
    plainXmlDocument(
      "Error",
      leaf("Code", failure.code) +
        leaf("Message", failure.message) +
        details.join("") +
        leaf("Resource", resource) +
        leaf("RequestId", requestId) +
        leaf("HostId", "holdfast"),
    ),
  );
  const headers: Record<string, string> = {
    "content-type": "application/xml",
    "content-length": String(body.length),
    ...failure.headers,
  };
  if (status >= 500)
    headers["x-holdfast-outcome"] = failure.outcome === "not-applied" ? "not-applied" : "unknown";
  return { status, headers, body };
}

/** The answer to a request that failed; the journal hears more than the client. */
export function refusal(http: HttpRequest, error: unknown, journal: Journal): HttpResponse {
  const failure = failureOf(error);
  const { requestId } = http;
  const fields = {
    requestId,
    method: http.method,
    path: http.path,
    code: failure.code,
    outcome: failure.outcome,
  };
  if (httpStatus(failure.code) === 500) {
    // The answer says no more than "internal error": what it was stands here.
    journal.error("s3 request failed", { ...fields, message: describe(error) });
  } else {
    journal.debug("s3 request refused", { ...fields, message: failure.message });
  }
  return errorAnswer(failure, http.path, requestId);
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
