/**
 * The errors of S3 and how the store's own map to them: two exhaustive tables, S3 code by ErrorCode and HTTP status by
 * S3 code. Messages are those of the StoreError where there is one, else the table's.
 */

import type { ErrorCode } from "@holdfast/base";

interface S3ErrorKind {
  readonly status: number;
  readonly message: string;
}

export type S3Code =
  | "AccessControlListNotSupported"
  | "AccessDenied"
  | "AccessForbidden"
  | "AuthorizationHeaderMalformed"
  | "AuthorizationQueryParametersError"
  | "BadDigest"
  | "BucketAlreadyExists"
  | "BucketAlreadyOwnedByYou"
  | "BucketNotEmpty"
  | "EntityTooLarge"
  | "EntityTooSmall"
  | "IncompleteBody"
  | "InternalError"
  | "InvalidAccessKeyId"
  | "InvalidArgument"
  | "InvalidBucketName"
  | "InvalidDigest"
  | "InvalidLocationConstraint"
  | "InvalidPart"
  | "InvalidPartNumber"
  | "InvalidPartOrder"
  | "InvalidRange"
  | "InvalidRequest"
  | "InvalidStorageClass"
  | "InvalidToken"
  | "InvalidURI"
  | "KeyTooLongError"
  | "MalformedTrailerError"
  | "MalformedXML"
  | "MaxMessageLengthExceeded"
  | "MetadataTooLarge"
  | "MethodNotAllowed"
  | "MissingContentLength"
  | "NoSuchBucket"
  | "NoSuchBucketPolicy"
  | "NoSuchCORSConfiguration"
  | "NoSuchConfiguration"
  | "NoSuchKey"
  | "NoSuchLifecycleConfiguration"
  | "NoSuchPublicAccessBlockConfiguration"
  | "NoSuchTagSet"
  | "NoSuchUpload"
  | "NoSuchWebsiteConfiguration"
  | "NotImplemented"
  | "NotModified"
  | "ObjectLockConfigurationNotFoundError"
  | "OwnershipControlsNotFoundError"
  | "PreconditionFailed"
  | "ReplicationConfigurationNotFoundError"
  | "RequestTimeTooSkewed"
  | "RequestTimeout"
  | "ServerSideEncryptionConfigurationNotFoundError"
  | "ServiceUnavailable"
  | "SignatureDoesNotMatch"
  | "SlowDown"
  | "XAmzContentSHA256Mismatch";

export const s3ErrorKinds: Readonly<Record<S3Code, S3ErrorKind>> = {
  AccessControlListNotSupported: { status: 400, message: "The bucket does not allow ACLs" },
  AccessDenied: { status: 403, message: "Access Denied" },
  AccessForbidden: { status: 403, message: "CORSResponse: CORS is not enabled for this bucket." },
  AuthorizationHeaderMalformed: { status: 400, message: "The authorization header you provided is invalid." },
  AuthorizationQueryParametersError: {
    status: 400,
    message: "The authorization query parameters you provided are invalid.",
  },
  BadDigest: { status: 400, message: "The checksum you specified did not match what we received." },
  BucketAlreadyExists: {
    status: 409,
    message: "The requested bucket name is not available. Select a different name and try again.",
  },
  BucketAlreadyOwnedByYou: {
    status: 409,
    message: "Your previous request to create the named bucket succeeded and you already own it.",
  },
  BucketNotEmpty: { status: 409, message: "The bucket you tried to delete is not empty." },
  EntityTooLarge: { status: 400, message: "Your proposed upload exceeds the maximum allowed size." },
  EntityTooSmall: { status: 400, message: "Your proposed upload is smaller than the minimum allowed size." },
  IncompleteBody: {
    status: 400,
    message: "You did not provide the number of bytes specified by the Content-Length HTTP header.",
  },
  InternalError: { status: 500, message: "We encountered an internal error. Please try again." },
  InvalidAccessKeyId: {
    status: 403,
    message: "The AWS Access Key Id you provided does not exist in our records.",
  },
  InvalidArgument: { status: 400, message: "Invalid Argument" },
  InvalidBucketName: { status: 400, message: "The specified bucket is not valid." },
  InvalidDigest: { status: 400, message: "The Content-MD5 you specified was invalid." },
  InvalidLocationConstraint: { status: 400, message: "The specified location-constraint is not valid." },
  InvalidPart: {
    status: 400,
    message:
      "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  },
  InvalidPartNumber: { status: 416, message: "The requested partnumber is not satisfiable." },
  InvalidPartOrder: {
    status: 400,
    message: "The list of parts was not in ascending order. Parts must be ordered by part number.",
  },
  InvalidRange: { status: 416, message: "The requested range is not satisfiable." },
  InvalidRequest: { status: 400, message: "Invalid Request" },
  InvalidStorageClass: { status: 400, message: "The storage class you specified is not valid." },
  InvalidToken: { status: 400, message: "The provided token is malformed or otherwise invalid." },
  InvalidURI: { status: 400, message: "Couldn't parse the specified URI." },
  KeyTooLongError: { status: 400, message: "Your key is too long." },
  MalformedTrailerError: {
    status: 400,
    message:
      "The request contained trailing data that was not well-formed or did not conform to our published schema.",
  },
  MalformedXML: {
    status: 400,
    message: "The XML you provided was not well-formed or did not validate against our published schema.",
  },
  MaxMessageLengthExceeded: { status: 400, message: "Your request was too big." },
  MetadataTooLarge: {
    status: 400,
    message: "Your metadata headers exceed the maximum allowed metadata size.",
  },
  MethodNotAllowed: { status: 405, message: "The specified method is not allowed against this resource." },
  MissingContentLength: { status: 411, message: "You must provide the Content-Length HTTP header." },
  NoSuchBucket: { status: 404, message: "The specified bucket does not exist." },
  NoSuchBucketPolicy: { status: 404, message: "The bucket policy does not exist." },
  NoSuchCORSConfiguration: { status: 404, message: "The CORS configuration does not exist." },
  NoSuchConfiguration: { status: 404, message: "The specified configuration does not exist." },
  NoSuchKey: { status: 404, message: "The specified key does not exist." },
  NoSuchLifecycleConfiguration: { status: 404, message: "The lifecycle configuration does not exist." },
  NoSuchPublicAccessBlockConfiguration: {
    status: 404,
    message: "The public access block configuration was not found.",
  },
  NoSuchTagSet: { status: 404, message: "The TagSet does not exist." },
  NoSuchUpload: {
    status: 404,
    message:
      "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
  },
  NoSuchWebsiteConfiguration: {
    status: 404,
    message: "The specified bucket does not have a website configuration.",
  },
  NotImplemented: {
    status: 501,
    message: "A header or parameter you provided implies functionality that is not implemented.",
  },
  NotModified: { status: 304, message: "Not Modified" },
  ObjectLockConfigurationNotFoundError: {
    status: 404,
    message: "Object Lock configuration does not exist for this bucket.",
  },
  OwnershipControlsNotFoundError: { status: 404, message: "The bucket ownership controls were not found." },
  PreconditionFailed: {
    status: 412,
    message: "At least one of the pre-conditions you specified did not hold.",
  },
  ReplicationConfigurationNotFoundError: {
    status: 404,
    message: "The replication configuration was not found.",
  },
  RequestTimeTooSkewed: {
    status: 403,
    message: "The difference between the request time and the server's time is too large.",
  },
  RequestTimeout: {
    status: 400,
    message:
      "Your socket connection to the server was not read from or written to within the timeout period.",
  },
  ServerSideEncryptionConfigurationNotFoundError: {
    status: 404,
    message: "The server side encryption configuration was not found.",
  },
  ServiceUnavailable: { status: 503, message: "The service cannot take this request now. Please try again." },
  SignatureDoesNotMatch: {
    status: 403,
    message:
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  },
  SlowDown: { status: 503, message: "Please reduce your request rate." },
  XAmzContentSHA256Mismatch: {
    status: 400,
    message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
  },
};

/** Exhaustive: a new ErrorCode does not compile until it has a place here. */
export const s3CodeOf: Readonly<Record<ErrorCode, S3Code>> = {
  BucketNotFound: "NoSuchBucket",
  BucketAlreadyExists: "BucketAlreadyExists",
  BucketAlreadyOwnedByYou: "BucketAlreadyOwnedByYou",
  BucketNotEmpty: "BucketNotEmpty",
  // Of the admin API alone.
  NodeNotFound: "InternalError",
  NodeConflict: "InternalError",
  NodeInUse: "InternalError",
  InvalidToken: "InternalError",
  LayoutConflict: "InternalError",
  InvalidBucketName: "InvalidBucketName",
  FileNotFound: "NoSuchKey",
  InvalidKey: "InvalidArgument",
  KeyTooLong: "KeyTooLongError",
  ConditionFailed: "PreconditionFailed",
  NotModified: "NotModified",
  InvalidRange: "InvalidRange",
  InvalidDigest: "InvalidDigest",
  ChecksumMismatch: "BadDigest",
  IncompleteBody: "IncompleteBody",
  BodyTooLarge: "EntityTooLarge",
  MissingContentLength: "MissingContentLength",
  MetadataTooLarge: "MetadataTooLarge",
  UploadNotFound: "NoSuchUpload",
  InvalidPart: "InvalidPart",
  InvalidPartOrder: "InvalidPartOrder",
  PartTooSmall: "EntityTooSmall",
  AccessDenied: "AccessDenied",
  InvalidAccessKey: "InvalidAccessKeyId",
  SignatureMismatch: "SignatureDoesNotMatch",
  MalformedAuthorization: "AuthorizationHeaderMalformed",
  RequestExpired: "AccessDenied",
  RequestTimeSkewed: "RequestTimeTooSkewed",
  InvalidArgument: "InvalidArgument",
  InvalidRequest: "InvalidRequest",
  MalformedXml: "MalformedXML",
  MethodNotAllowed: "MethodNotAllowed",
  NotImplemented: "NotImplemented",
  RequestTimeout: "RequestTimeout",
  // A full disk takes no new data for a while; SlowDown would ask for a lower rate, which does not help.
  OutOfSpace: "ServiceUnavailable",
  Overloaded: "SlowDown",
  Unavailable: "ServiceUnavailable",
  Stopped: "ServiceUnavailable",
  StaleEvidence: "ServiceUnavailable",
  DataCorrupt: "InternalError",
  OutcomeUnknown: "InternalError",
  Internal: "InternalError",
};

export function httpStatus(code: S3Code): number {
  return s3ErrorKinds[code].status;
}

/** What else the XML says about the error, by element name. */
export type ErrorDetails = Readonly<Record<string, string | number>>;

/** A refusal that the gateway itself decides; nothing was applied. */
export class S3Error extends Error {
  override readonly name = "S3Error";
  readonly code: S3Code;
  readonly details: ErrorDetails;

  constructor(code: S3Code, message?: string, details: ErrorDetails = {}) {
    super(message ?? s3ErrorKinds[code].message);
    this.code = code;
    this.details = details;
  }
}

export function invalidArgument(name: string, value: string, message: string): S3Error {
  return new S3Error("InvalidArgument", message, { ArgumentName: name, ArgumentValue: value });
}

/** For headers whose feature is not built: refused rather than ignored. */
export function headerNotImplemented(header: string): S3Error {
  return new S3Error(
    "NotImplemented",
    "A header you provided implies functionality that is not implemented.",
    {
      Header: header,
    },
  );
}
