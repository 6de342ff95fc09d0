/**
 * The body of a request on its way to the store: its length, its framing, and the digests it must have. A plain body
 * passes through untouched; only aws-chunked ones are decoded.
 */

import { ChunkSignatures, equalBytes, limits, StoreError } from "@holdfast/base";
import type { ChecksumAlgorithm, ExpectedDigest, IncomingBody } from "@holdfast/node";
import { checksumAlgorithms } from "@holdfast/node";
import { AwsChunkedDecoder } from "./aws-chunked.ts";
import type { DeclaredChecksum } from "./checksum-headers.ts";
import { checksumHeader, checksumValue, contentMd5, declaredChecksum } from "./checksum-headers.ts";
import type { PayloadForm } from "./payload-form.ts";
import { parsePayloadForm } from "./payload-form.ts";
import { headerNotImplemented, S3Error } from "./s3-error.ts";
import type { S3Request } from "./s3-request.ts";

export interface OpenedBody {
  readonly body: IncomingBody;
  /** Waits for what takes the body, and says a failure in S3's words. */
  settle<T>(work: Promise<T>): Promise<T>;
}

export function openBody(request: S3Request, bytesMax: number = limits.bodyBytesMax): OpenedBody {
  const form = payloadForm(request);
  const bytes = declaredBytes(request, form);
  if (bytes > bytesMax) {
    throw new S3Error("EntityTooLarge", undefined, { ProposedSize: bytes, MaxSizeAllowed: bytesMax });
  }
  const trailerNames = announcedTrailers(request, form);
  const checksum = declaredChecksum(request.headers, trailerNames);
  const md5 = contentMd5(request.headers);
  const payloadSha256 = form.kind === "plain" ? form.sha256 : undefined;
  return new RequestBody(request, form, { bytes, trailerNames, checksum, md5, payloadSha256 });
}

interface Declared {
  readonly bytes: number;
  readonly trailerNames: readonly string[];
  readonly checksum: DeclaredChecksum | undefined;
  readonly md5: Uint8Array | undefined;
  readonly payloadSha256: Uint8Array | undefined;
}

class RequestBody implements OpenedBody {
  readonly body: IncomingBody;
  readonly #declared: Declared;
  /** What the decoder refused: whatever the store makes of it, this is the reason. */
  #refusal: S3Error | undefined;
  #trailerChecksum: Uint8Array | undefined;

  constructor(request: S3Request, form: PayloadForm, declared: Declared) {
    this.#declared = declared;
    const verify: ("md5" | ChecksumAlgorithm)[] = [];
    if (declared.md5 !== undefined) verify.push("md5");
    if (declared.payloadSha256 !== undefined) verify.push("sha256");
    this.body = {
      chunks: form.kind === "plain" ? request.http.body : this.#decoded(request, form.signed),
      bytes: declared.bytes,
      expectedDigests: () => this.#expectedDigests(),
      checksumAlgorithm: declared.checksum?.algorithm,
      verify,
    };
  }

  settle<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      if (this.#refusal !== undefined) throw this.#refusal;
      if (error instanceof StoreError && error.code === "ChecksumMismatch") throw this.#mismatch(error);
      throw error;
    });
  }

  async *#decoded(request: S3Request, signed: boolean): AsyncGenerator<Uint8Array, void, undefined> {
    const { hashing, sha256 } = request.service;
    const { bytes, trailerNames } = this.#declared;
    const signatures = signed ? chunkSignatures(request) : undefined;
    const decoder = new AwsChunkedDecoder({ decodedBytes: bytes, signatures, trailerNames, hashing, sha256 });
    try {
      for await (const chunk of request.http.body) yield* decoder.push(chunk);
      decoder.finish();
      this.#trailerChecksum = this.#checksumInTrailer(decoder.trailers);
    } catch (error) {
      if (error instanceof S3Error) this.#refusal = error;
      throw error;
    }
  }

  #checksumInTrailer(trailers: ReadonlyMap<string, string>): Uint8Array | undefined {
    const { checksum } = this.#declared;
    const text = checksum === undefined ? undefined : trailers.get(checksumHeader(checksum.algorithm));
    if (checksum === undefined || text === undefined) return undefined;
    return checksumValue(checksum.algorithm, text, "trailing header");
  }

  #expectedDigests(): readonly ExpectedDigest[] {
    const { md5, payloadSha256, checksum } = this.#declared;
    const expected: ExpectedDigest[] = [];
    if (payloadSha256 !== undefined) expected.push({ algorithm: "sha256", value: payloadSha256 });
    if (md5 !== undefined) expected.push({ algorithm: "md5", value: md5 });
    const value = checksum?.value ?? this.#trailerChecksum;
    if (checksum !== undefined && value !== undefined)
      expected.push({ algorithm: checksum.algorithm, value });
    return expected;
  }

  /** The hash that the signature covers has a code of its own. */
  #mismatch(error: StoreError): S3Error {
    const { payloadSha256, checksum } = this.#declared;
    const algorithm = error.fields["algorithm"];
    const ofPayload =
      payloadSha256 !== undefined &&
      algorithm === "sha256" &&
      (checksum?.algorithm !== "sha256" || equalBytes(checksum.value ?? payloadSha256, payloadSha256));
    if (ofPayload) return new S3Error("XAmzContentSHA256Mismatch");
    const name = algorithm === "md5" ? "Content-MD5" : String(algorithm ?? "checksum").toUpperCase();
    return new S3Error("BadDigest", `The ${name} you specified did not match the calculated checksum.`);
  }
}

/** In a presigned request the header is not part of the signature, but it says how the body comes. */
function payloadForm(request: S3Request): PayloadForm {
  const text = request.headers["x-amz-content-sha256"] ?? request.query.get("X-Amz-Content-Sha256");
  return parsePayloadForm(text ?? "UNSIGNED-PAYLOAD");
}

function declaredBytes(request: S3Request, form: PayloadForm): number {
  const name = form.kind === "plain" ? "content-length" : "x-amz-decoded-content-length";
  const text = request.headers[name];
  if (text === undefined) throw new S3Error("MissingContentLength");
  if (!/^\d{1,15}$/.test(text)) throw new S3Error("InvalidArgument", `${name} is not a length.`);
  return Number(text);
}

const noTrailers: readonly string[] = [];

function announcedTrailers(request: S3Request, form: PayloadForm): readonly string[] {
  const header = request.headers["x-amz-trailer"];
  if (header === undefined) return noTrailers;
  const names = header.toLowerCase().split(",");
  const announced = names.map((name) => name.trim()).filter((name) => name !== "");
  if (announced.length === 0) return announced;
  if (form.kind === "plain" || !form.trailer) throw headerNotImplemented("x-amz-trailer");
  const known = checksumAlgorithms.map(checksumHeader);
  if (announced.every((name) => known.includes(name))) return announced;
  throw new S3Error("InvalidRequest", "The value specified in the x-amz-trailer header is not supported");
}

function chunkSignatures(request: S3Request): ChunkSignatures {
  const { authorization, secretKey } = request.requester;
  const { scope, timestamp, signature: seedSignature } = authorization;
  return new ChunkSignatures({ scope, timestamp, seedSignature, secretKey, sha256: request.service.sha256 });
}
