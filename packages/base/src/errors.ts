/**
 * The one registry of error codes. The code crosses the wire, never the text; gateways map it to their
 * protocol in exhaustive functions.
 */

/** What became of the request: a write that timed out is `unknown`. */
export type Outcome = "not-applied" | "applied" | "unknown";

/** The request is wrong, or its condition does not hold: the same request fails again. Nothing was changed. */
const refusals = [
  // Buckets and files.
  "BucketNotFound",
  "BucketAlreadyExists",
  "BucketAlreadyOwnedByYou",
  "BucketNotEmpty",
  "InvalidBucketName",
  "FileNotFound",
  "InvalidKey",
  "KeyTooLong",
  // Conditions.
  "ConditionFailed",
  "NotModified",
  // Content on its way in or out.
  "InvalidRange",
  "InvalidDigest",
  "ChecksumMismatch",
  "IncompleteBody",
  "BodyTooLarge",
  "MissingContentLength",
  "MetadataTooLarge",
  "DataCorrupt",
  // Multipart uploads.
  "UploadNotFound",
  "InvalidPart",
  "InvalidPartOrder",
  "PartTooSmall",
  // Nodes of a cluster.
  "NodeNotFound",
  "NodeConflict",
  "NodeInUse",
  "InvalidToken",
  "LayoutConflict",
  // Access.
  "AccessDenied",
  "InvalidAccessKey",
  "SignatureMismatch",
  "MalformedAuthorization",
  "RequestExpired",
  "RequestTimeSkewed",
  // Form.
  "InvalidArgument",
  "InvalidRequest",
  "MalformedXml",
  "MethodNotAllowed",
  "NotImplemented",
  "RequestTimeout",
] as const;

/** A bad day: nothing was changed, and the same request may succeed later. */
const delays = [
  "OutOfSpace",
  "Overloaded",
  "Unavailable",
  "Stopped",
  /** Of a shard to a node (S3): the blocks were stored under a layout that is closed. The node confirms them; clients never see it. */
  "StaleEvidence",
] as const;

/** The request may have been carried out. */
const uncertainties = ["OutcomeUnknown", "Internal"] as const;

export const errorCodes: readonly ErrorCode[] = [...refusals, ...delays, ...uncertainties];
export type ErrorCode = (typeof refusals)[number] | (typeof delays)[number] | (typeof uncertainties)[number];

export interface StoreErrorOptions {
  /** Overrides the code's usual outcome. */
  readonly outcome?: Outcome;
  readonly retryable?: boolean;
  /** What the error is about: bucket, key, limit, position. Never secrets. */
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
  readonly cause?: unknown;
}

/** The only error that leaves the node, the client and the command line. The message says what to do next. */
export class StoreError extends Error {
  override readonly name: string = "StoreError";
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly outcome: Outcome;
  readonly fields: Readonly<Record<string, string | number | boolean>>;

  constructor(code: ErrorCode, message: string, options: StoreErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? !isOneOf(refusals, code);
    this.outcome = options.outcome ?? (isOneOf(uncertainties, code) ? "unknown" : "not-applied");
    this.fields = options.fields ?? {};
  }
}

export function isErrorCode(text: string): text is ErrorCode {
  return isOneOf(errorCodes, text);
}

function isOneOf(codes: readonly string[], text: string): boolean {
  return codes.includes(text);
}
