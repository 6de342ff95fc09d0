/** The server's half of SigV4, first step: what a request says about who signed it. No secret is needed here. */

import { formatIso8601Basic, parseHttpDate, parseIso8601Basic } from "../civil-date.ts";
import type { SignableRequest } from "./canonical-request.ts";
import { algorithm } from "./signature.ts";
import type { SigningScope } from "./signing-key.ts";

export type Authorization = SignedAuthorization | AnonymousAuthorization | MalformedAuthorization;

export interface SignedAuthorization {
  /** In the Authorization header, or in the query of a presigned URL. */
  readonly kind: "header" | "query";
  readonly accessKey: string;
  readonly scope: SigningScope;
  /** Lower-case, as sent; contains `host`. */
  readonly signedHeaders: readonly string[];
  /** 64 hexadecimal digits. */
  readonly signature: string;
  /** `yyyymmddThhmmssZ`. */
  readonly timestamp: string;
  readonly timestampMs: number;
  /** Of a presigned URL only. */
  readonly expiresSeconds: number | undefined;
}

export interface AnonymousAuthorization {
  readonly kind: "anonymous";
}

export interface MalformedAuthorization {
  readonly kind: "malformed";
  /** Where it stood. */
  readonly form: "header" | "query";
  readonly problem: "both-forms" | "unsupported" | "malformed";
  readonly message: string;
}

export function parseAuthorization(request: SignableRequest): Authorization {
  const header = request.headers["authorization"];
  const parameters = request.query.includes("X-Amz-") ? amzParameters(request.query) : undefined;
  const inQuery = parameters !== undefined && (parameters.has("Algorithm") || parameters.has("Signature"));
  if (header !== undefined && inQuery) {
    return malformed("header", "both-forms", "Only one auth mechanism allowed.");
  }
  if (header !== undefined) return parseHeader(request, header);
  if (inQuery) return parseQuery(parameters);
  if (/(?:^|&)(?:AWSAccessKeyId|Signature)=/.test(request.query)) return unsupported("query");
  return { kind: "anonymous" };
}

/**
 * What stands in front of the signature is the same in all of a client's requests of a day, so what it says is remembered.
 * No more is judged here than its form: who is remembered has proven nothing.
 */
interface Signatory {
  readonly accessKey: string;
  readonly scope: SigningScope;
  readonly signedHeaders: readonly string[];
}

/** When there are more, all go. */
const signatoriesMax = 1024;
const signatories = new Map<string, Signatory>();

const signatureField = "Signature=";

function parseHeader(request: SignableRequest, header: string): Authorization {
  const end = header.lastIndexOf(signatureField);
  const known = end < 0 ? undefined : signatories.get(header.slice(0, end));
  if (known === undefined) return parseNewHeader(request, header);
  const timestamp = headerTimestamp(request);
  const signature = header.slice(end + signatureField.length);
  if (timestamp?.slice(0, 8) !== known.scope.date || !isSignature(signature))
    return parseNewHeader(request, header);
  const timestampMs = parseIso8601Basic(timestamp) ?? 0;
  return { kind: "header", ...known, signature, timestamp, timestampMs, expiresSeconds: undefined };
}

function remember(header: string, { accessKey, scope, signedHeaders, signature }: SignedAuthorization): void {
  const end = header.lastIndexOf(signatureField);
  const front = header.slice(0, end);
  // Only where the signature is the last field does what stands in front of it say all the rest.
  if (!/[, ]$/.test(front) || header.slice(end + signatureField.length) !== signature) return;
  if (signatories.size >= signatoriesMax) signatories.clear();
  signatories.set(front, { accessKey, scope, signedHeaders });
}

function isSignature(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function parseNewHeader(request: SignableRequest, header: string): Authorization {
  if (!header.startsWith(`${algorithm} `)) return unsupported("header");
  const fields = new Map<string, string>();
  for (const field of header.slice(algorithm.length + 1).split(",")) {
    const split = field.indexOf("=");
    if (split < 0) return malformed("header", "malformed", "The authorization header is malformed.");
    fields.set(field.slice(0, split).trim(), field.slice(split + 1).trim());
  }
  const timestamp = headerTimestamp(request);
  if (timestamp === undefined) {
    return malformed("header", "malformed", "AWS authentication requires a valid Date or x-amz-date header.");
  }
  const authorization = assemble("header", fields, timestamp, undefined);
  if (authorization.kind === "header") remember(header, authorization);
  return authorization;
}

/** `x-amz-date` wins over `date`, which may be written in either way. */
function headerTimestamp(request: SignableRequest): string | undefined {
  const amzDate = request.headers["x-amz-date"];
  if (amzDate !== undefined) return parseIso8601Basic(amzDate) === undefined ? undefined : amzDate;
  const date = request.headers["date"] ?? "";
  if (parseIso8601Basic(date) !== undefined) return date;
  const timeMs = parseHttpDate(date);
  return timeMs === undefined ? undefined : formatIso8601Basic(timeMs);
}

function parseQuery(parameters: ReadonlyMap<string, string>): Authorization {
  if (parameters.get("Algorithm") !== algorithm) {
    return malformed("query", "malformed", `X-Amz-Algorithm only supports "${algorithm}"`);
  }
  const expires = parameters.get("Expires");
  if (expires === undefined || !/^-?\d{1,12}$/.test(expires)) {
    return malformed("query", "malformed", "X-Amz-Expires should be a number");
  }
  const expiresSeconds = Number(expires);
  if (expiresSeconds < 1) return malformed("query", "malformed", "X-Amz-Expires must be at least 1");
  if (expiresSeconds > 604_800) {
    return malformed(
      "query",
      "malformed",
      "X-Amz-Expires must be less than a week (in seconds); that is, 604800",
    );
  }
  const timestamp = parameters.get("Date") ?? "";
  if (parseIso8601Basic(timestamp) === undefined) {
    return malformed(
      "query",
      "malformed",
      "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
    );
  }
  return assemble("query", parameters, timestamp, expiresSeconds);
}

function assemble(
  kind: "header" | "query",
  fields: ReadonlyMap<string, string>,
  timestamp: string,
  expiresSeconds: number | undefined,
): Authorization {
  // The access key comes first and may itself contain slashes.
  const credential = /^(.+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/.exec(fields.get("Credential") ?? "");
  const [, accessKey = "", date = "", region = "", service = ""] = credential ?? [];
  if (credential === null) return malformed(kind, "malformed", "The Credential is missing or mal-formed.");
  if (date !== timestamp.slice(0, 8)) {
    return malformed(
      kind,
      "malformed",
      `Invalid credential date "${date}": it is not the date of the request.`,
    );
  }
  const signature = fields.get("Signature") ?? "";
  if (!isSignature(signature)) return malformed(kind, "malformed", "The Signature is missing or mal-formed.");
  const signedHeaders = (fields.get("SignedHeaders") ?? "").toLowerCase().split(";");
  if (!signedHeaders.includes("host")) {
    return malformed(kind, "malformed", "SignedHeaders is missing or does not name the host header.");
  }
  const timestampMs = parseIso8601Basic(timestamp) ?? 0;
  const scope = { date, region, service };
  return { kind, accessKey, scope, signedHeaders, signature, timestamp, timestampMs, expiresSeconds };
}

/** `X-Amz-Date` under "Date", decoded. */
function amzParameters(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const piece of query.split("&")) {
    const split = piece.indexOf("=");
    if (split < 0 || !piece.startsWith("X-Amz-")) continue;
    parameters.set(piece.slice("X-Amz-".length, split), decoded(piece.slice(split + 1)));
  }
  return parameters;
}

/** Text that does not decode stays as it is: no credential, date or signature looks like that. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function malformed(
  form: "header" | "query",
  problem: MalformedAuthorization["problem"],
  message: string,
): MalformedAuthorization {
  return { kind: "malformed", form, problem, message };
}

function unsupported(form: "header" | "query"): MalformedAuthorization {
  const message = `The authorization mechanism you have provided is not supported. Please use ${algorithm}.`;
  return malformed(form, "unsupported", message);
}
