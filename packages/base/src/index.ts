export { AssertionError, assert, assertNever, present } from "./assert.ts";
export type { Awaitable } from "./awaitable.ts";
export { andThen } from "./awaitable.ts";
export type {
  Attempt,
  Ballot,
  Brand,
  BucketId,
  Epoch,
  GroupId,
  LogIndex,
  NodeId,
  ShardId,
  WriterId,
} from "./brand.ts";
export {
  attempt,
  ballot,
  bucketId,
  epoch,
  groupId,
  logIndex,
  nodeId,
  shardId,
  writerId,
} from "./brand.ts";
export {
  binaryString,
  compareBytes,
  concatBytes,
  emptyBytes,
  equalBytes,
  fromBase64,
  fromHex,
  prefixEnd,
  startsWithBytes,
  toBase64,
  toHex,
  utf8,
  utf8Text,
} from "./bytes.ts";
export {
  formatHttpDate,
  formatIso8601,
  formatIso8601Basic,
  parseHttpDate,
  parseIso8601,
  parseIso8601Basic,
} from "./civil-date.ts";
export type { Codec, Decoded, Variant } from "./codec.ts";
export {
  ByteReader,
  ByteWriter,
  boolean,
  branded,
  byteString,
  byteView,
  DecodeError,
  decode,
  decodeOrNothing,
  encode,
  integer,
  list,
  oneOf,
  optional,
  record,
  text,
  UnsupportedVersionError,
  uint32,
  union,
  useEncoded,
  variant,
  versioned,
} from "./codec.ts";
export type { BlockId, ContentId } from "./content-id.ts";
export {
  blockIdCodec,
  blockIdFromKey,
  blockIdText,
  blockKey,
  blockKeyBytes,
  contentIdCodec,
  contentIdFromKey,
  contentIdText,
  contentKey,
  contentKeyBytes,
  equalContentIds,
} from "./content-id.ts";
export type { CombinableCrc } from "./crc-combine.ts";
export { combineCrc } from "./crc-combine.ts";
export { crc32, crc32Combine } from "./crc32.ts";
export { Crc64Nvme } from "./crc64-nvme.ts";
export type { ErrorCode, Outcome, StoreErrorOptions } from "./errors.ts";
export { errorCodes, isErrorCode, StoreError } from "./errors.ts";
export { GiB, KiB, limits, MiB, TiB } from "./limits.ts";
export type { Random } from "./random.ts";
export { chance, seededRandom, uniform } from "./random.ts";
export type {
  AnonymousAuthorization,
  Authorization,
  MalformedAuthorization,
  SignedAuthorization,
} from "./sigv4/authorization.ts";
export { parseAuthorization } from "./sigv4/authorization.ts";
export type { SignableRequest } from "./sigv4/canonical-request.ts";
export type { ChunkSignaturesInput } from "./sigv4/chunk-signatures.ts";
export { ChunkSignatures } from "./sigv4/chunk-signatures.ts";
export type { Sha256 } from "./sigv4/hmac-sha256.ts";
export { HmacSha256 } from "./sigv4/hmac-sha256.ts";
export type {
  PresignRequestInput,
  SignatureHeaders,
  SigningCredentials,
  SignRequestInput,
} from "./sigv4/sign-request.ts";
export { presignRequest, signRequest } from "./sigv4/sign-request.ts";
export { emptyPayloadHash, equalInConstantTime, unsignedPayload } from "./sigv4/signature.ts";
export type { SigningScope } from "./sigv4/signing-key.ts";
export { uriEncode, uriEncodePath } from "./sigv4/uri-encoding.ts";
export type { VerifySignatureInput } from "./sigv4/verify-signature.ts";
export { verifySignature } from "./sigv4/verify-signature.ts";
export { briefSlabs, Slabs, waitingSlabs } from "./slab.ts";
export type { Fields } from "./stream/fields.ts";
export type {
  AnswerFrame,
  ClientFrame,
  RequestFrame,
  ServerFrame,
  StreamOperation,
} from "./stream/frames.ts";
export { clientFrameCodec, serverFrameCodec } from "./stream/frames.ts";
export type { StreamHello } from "./stream/hello.ts";
export { decodeStreamHello, encodeStreamHello, nonceBytes, streamVersion } from "./stream/hello.ts";
export { streamLimits } from "./stream/limits.ts";
export { IncomingMessages, messageOverheadBytes, OutgoingMessages } from "./stream/messages.ts";
export type { StreamKeys } from "./stream/stream-keys.ts";
export { streamKeys } from "./stream/stream-keys.ts";
