/** How a request sends its body, as `x-amz-content-sha256` says. */

import { emptyPayloadHash, fromHex, unsignedPayload } from "@holdfast/base";
import { headerNotImplemented, invalidArgument, S3Error } from "./s3-error.ts";

export type PayloadForm =
  /** As it is; its SHA-256 must be this one, if given. */
  | { readonly kind: "plain"; readonly sha256: Uint8Array | undefined }
  /** aws-chunked, each chunk signed or not, with a trailer or without. */
  | { readonly kind: "chunked"; readonly signed: boolean; readonly trailer: boolean };

export function parsePayloadForm(text: string): PayloadForm {
  switch (text) {
    case unsignedPayload:
      return { kind: "plain", sha256: undefined };
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
      return { kind: "chunked", signed: true, trailer: false };
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
      return { kind: "chunked", signed: true, trailer: true };
    case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
      return { kind: "chunked", signed: false, trailer: true };
    default:
      return { kind: "plain", sha256: hexDigest(text) };
  }
}

function hexDigest(text: string): Uint8Array {
  if (text.startsWith("STREAMING-")) throw headerNotImplemented("x-amz-content-sha256");
  const digest = text.length === emptyPayloadHash.length ? fromHex(text) : undefined;
  if (digest !== undefined) return digest;
  const message =
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- form, or a valid sha256 value.";
  throw invalidArgument("x-amz-content-sha256", text, message);
}

/** The declared hash in the query of a presigned URL wins; S3 itself asks for the header in signed requests. */
export function declaredPayloadHash(
  form: "header" | "query",
  headers: Readonly<Record<string, string | undefined>>,
  parameter: string | undefined,
  signedHeaders: readonly string[],
): string {
  const header = headers["x-amz-content-sha256"];
  if (form === "header") {
    if (header !== undefined) return header;
    throw new S3Error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  }
  if (parameter !== undefined) return parameter;
  return header !== undefined && signedHeaders.includes("x-amz-content-sha256") ? header : unsignedPayload;
}
