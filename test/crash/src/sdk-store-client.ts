/** The workload's store over S3 by AWS SDK v3; buckets over the native client, whose answers say more. */

import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { ErrorCode } from "@holdfast/base";
import { compareBytes, StoreError, toBase64, utf8 } from "@holdfast/base";
import type { Store } from "@holdfast/client";
import type { Condition, Name, Outgoing, Reading, StoreClient } from "@holdfast/simulator";
import { violated } from "@holdfast/simulator";

export function sdkStoreClient(s3: S3Client, native: Store): StoreClient {
  return {
    put: async (name, tag, outgoing, condition) => {
      const sent = await outgoingBody(outgoing);
      const command = new PutObjectCommand({
        ...place(name),
        ...tagged(tag),
        ...sent,
        ...conditions(condition),
      });
      return stored(await answered(s3.send(command)), outgoing.declaredBytes);
    },
    read: async (name, range) => {
      const asked = range === undefined ? {} : { Range: `bytes=${range.first}-${range.last}` };
      return reading(name, await answered(s3.send(new GetObjectCommand({ ...place(name), ...asked }))));
    },
    delete: async (name, { ifMatch }) => {
      const match = ifMatch === undefined ? {} : { IfMatch: ifMatch };
      await answered(s3.send(new DeleteObjectCommand({ ...place(name), ...match })));
      return { existed: undefined };
    },
    copy: async (source, name, tag, condition) => {
      const CopySource = `${source.bucket}/${source.key.split("/").map(encodeURIComponent).join("/")}`;
      const replaced = tag === undefined ? {} : ({ MetadataDirective: "REPLACE", ...tagged(tag) } as const);
      const command = new CopyObjectCommand({
        ...place(name),
        CopySource,
        ...replaced,
        ...conditions(condition),
      });
      const { CopyObjectResult } = await answered(s3.send(command));
      return stored(CopyObjectResult ?? {}, undefined);
    },
    list: async ({ bucket, prefix, delimiter, after, limit }) => {
      const where = { Bucket: bucket, Prefix: prefix, StartAfter: after, MaxKeys: limit };
      const split = delimiter === "" ? {} : { Delimiter: delimiter };
      const page = await answered(s3.send(new ListObjectsV2Command({ ...where, ...split })));
      const files = (page.Contents ?? []).map(({ Key = "", ETag, Size = -1 }) => ({
        key: Key,
        etag: unquoted(ETag),
        bytes: Size,
      }));
      const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix = "" }) => Prefix);
      const last = later(files.at(-1)?.key, prefixes.at(-1));
      return { files, prefixes, next: page.IsTruncated === true ? last : undefined };
    },
    createUpload: async (name, tag) => {
      const { UploadId } = await answered(
        s3.send(new CreateMultipartUploadCommand({ ...place(name), ...tagged(tag) })),
      );
      return UploadId ?? violated("an upload without an id");
    },
    putPart: async (name, UploadId, PartNumber, outgoing) => {
      const sent = await outgoingBody(outgoing);
      return stored(
        await answered(s3.send(new UploadPartCommand({ ...place(name), UploadId, PartNumber, ...sent }))),
        0,
      );
    },
    completeUpload: async (name, UploadId, parts, condition) => {
      const MultipartUpload = {
        Parts: parts.map(({ part, etag }) => ({ PartNumber: part, ETag: `"${etag}"` })),
      };
      const what = { ...place(name), UploadId, MultipartUpload, ...conditions(condition) };
      return stored(await answered(s3.send(new CompleteMultipartUploadCommand(what))), undefined);
    },
    abortUpload: async (name, UploadId) => {
      await answered(s3.send(new AbortMultipartUploadCommand({ ...place(name), UploadId })));
    },
    listParts: async (name, UploadId) => {
      const { Parts = [] } = await answered(s3.send(new ListPartsCommand({ ...place(name), UploadId })));
      return Parts.map(({ PartNumber = 0, ETag, Size = -1 }) => ({
        part: PartNumber,
        etag: unquoted(ETag),
        bytes: Size,
      }));
    },
    listUploads: async (Bucket) => {
      const { Uploads = [] } = await answered(s3.send(new ListMultipartUploadsCommand({ Bucket })));
      return Uploads.map(({ Key = "", UploadId = "" }) => ({ key: Key, uploadId: UploadId }));
    },
    createBucket: async (bucket) => {
      await native.createBucket(bucket);
    },
    deleteBucket: async (bucket) => {
      await native.deleteBucket(bucket);
    },
    listBuckets: async () => (await native.listBuckets()).map(({ name }) => name),
  };
}

function place({ bucket, key }: Name): { readonly Bucket: string; readonly Key: string } {
  return { Bucket: bucket, Key: key };
}

function tagged(tag: string): { readonly ContentType: string; readonly Metadata: Record<string, string> } {
  return { ContentType: `text/${tag}`, Metadata: { tag } };
}

function conditions({ ifNoneMatchAny, ifMatch }: Condition): {
  readonly IfNoneMatch?: string;
  readonly IfMatch?: string;
} {
  return {
    ...(ifNoneMatchAny === true ? { IfNoneMatch: "*" } : {}),
    ...(ifMatch === undefined ? {} : { IfMatch: ifMatch === "*" ? "*" : `"${ifMatch}"` }),
  };
}

interface SentBody {
  readonly Body: Uint8Array | Readable;
  readonly ContentLength: number;
  readonly ContentMD5?: string;
}

/** As bytes or as a stream, which the SDK sends in quite different ways. A sender that breaks off sends nothing here. */
async function outgoingBody({ chunks, declaredBytes, md5 }: Outgoing): Promise<SentBody> {
  const pieces: Uint8Array[] = [];
  for await (const chunk of chunks) pieces.push(chunk);
  const whole = Buffer.concat(pieces);
  if (whole.length !== declaredBytes) throw new StoreError("IncompleteBody", "the sender broke off");
  const digest = md5 === undefined ? {} : { ContentMD5: toBase64(md5) };
  const asStream = declaredBytes % 2 === 1 && pieces.length > 0;
  return { Body: asStream ? Readable.from(pieces) : whole, ContentLength: whole.length, ...digest };
}

function stored(
  answer: { readonly ETag?: string | undefined },
  bytes: number | undefined,
): { readonly etag: string; readonly bytes: number | undefined } {
  return { etag: unquoted(answer.ETag), bytes };
}

interface Found {
  readonly Metadata?: Record<string, string> | undefined;
  readonly ContentType?: string | undefined;
  readonly ContentLength?: number | undefined;
  readonly ContentRange?: string | undefined;
  readonly ETag?: string | undefined;
  readonly Body?: unknown;
}

function reading(name: Name, found: Found): Reading {
  const tag = found.Metadata?.["tag"];
  if (found.ContentType !== `text/${tag}`) violated(`${name.key}: metadata of two writes in one`);
  const { offset, bytes } = rangeOf(found);
  if (!(found.Body instanceof Readable)) return violated(`${name.key}: no body`);
  // The connection may break before, between or after reads; whoever reads hears of it, nobody else has to.
  found.Body.on("error", () => undefined);
  const seen = { tag, etag: unquoted(found.ETag), bytes };
  return { seen, offset, length: found.ContentLength ?? 0, chunks: found.Body };
}

function rangeOf({ ContentRange, ContentLength = 0 }: Found): {
  readonly offset: number;
  readonly bytes: number;
} {
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange ?? "");
  return range === null
    ? { offset: 0, bytes: ContentLength }
    : { offset: Number(range[1]), bytes: Number(range[2]) };
}

function unquoted(etag: string | undefined): string {
  return etag?.replaceAll('"', "") ?? "";
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareBytes(utf8(a), utf8(b)) > 0 ? a : b;
}

const codes: Readonly<Record<string, ErrorCode>> = {
  NoSuchBucket: "BucketNotFound",
  NoSuchKey: "FileNotFound",
  NotFound: "FileNotFound",
  PreconditionFailed: "ConditionFailed",
  InvalidRange: "InvalidRange",
  BadDigest: "ChecksumMismatch",
  InvalidDigest: "InvalidDigest",
  IncompleteBody: "IncompleteBody",
  NoSuchUpload: "UploadNotFound",
  InvalidPart: "InvalidPart",
  EntityTooSmall: "PartTooSmall",
  SlowDown: "Overloaded",
};

/** S3's codes as the model knows them; what it does not know is a violation, and stays what it is. */
async function answered<T>(sent: Promise<T>): Promise<T> {
  try {
    return await sent;
  } catch (error) {
    const code = error instanceof S3ServiceException ? codes[error.name] : undefined;
    if (code === undefined) throw error;
    throw new StoreError(code, String(error), { cause: error });
  }
}
