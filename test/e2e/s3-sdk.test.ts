// AWS SDK v3 against a real node over real sockets: what current SDKs send by default must work.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import type { ChecksumAlgorithm } from "@aws-sdk/client-s3";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { Holdfast } from "holdfast";

const MiB = 1024 * 1024;
const Bucket = "sdk-bucket";

function clientOf(holdfast: Holdfast, secretAccessKey: string = holdfast.secretKey): S3Client {
  return new S3Client({
    endpoint: holdfast.s3Endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: holdfast.accessKey, secretAccessKey },
  });
}

async function fails(promise: Promise<unknown>, name: string, status: number): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof S3ServiceException, String(error));
    assert.equal(error.name, name);
    assert.equal(error.$metadata.httpStatusCode, status);
    return true;
  });
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

describe("s3 by AWS SDK v3", () => {
  let holdfast: Holdfast;
  let s3: S3Client;
  const put = (Key: string, Body: Uint8Array | string): Promise<unknown> =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  const get = async (Key: string, Range?: string): Promise<Buffer> => {
    const found = await s3.send(
      new GetObjectCommand({ Bucket, Key, ...(Range === undefined ? {} : { Range }) }),
    );
    return Buffer.from((await found.Body?.transformToByteArray()) ?? new Uint8Array(0));
  };

  before(async () => {
    holdfast = await Holdfast.start({ nodes: 1, ephemeral: true });
    s3 = clientOf(holdfast);
    await s3.send(new CreateBucketCommand({ Bucket }));
  });
  after(async () => {
    s3.destroy();
    await holdfast.stop();
  });

  test("bodies given as bytes, text and streams come back byte for byte with their MD5 as ETag", async () => {
    for (const bytes of [0, 1, 16 * 1024, 16 * 1024 + 1, 3 * MiB + 11]) {
      const body = randomBytes(bytes);
      const stored = await s3.send(new PutObjectCommand({ Bucket, Key: `bytes-${bytes}`, Body: body }));
      assert.equal(stored.ETag, `"${md5(body)}"`);
      assert.deepEqual(await get(`bytes-${bytes}`), body);
      const stream = Readable.from(
        [body.subarray(0, 70_000), body.subarray(70_000)].filter((chunk) => chunk.length > 0),
      );
      await s3.send(
        new PutObjectCommand({ Bucket, Key: `stream-${bytes}`, Body: stream, ContentLength: bytes }),
      );
      assert.deepEqual(await get(`stream-${bytes}`), body);
    }
    await put("text", "grüße");
    assert.equal((await get("text")).toString(), "grüße");
  });

  test("every checksum algorithm that the SDK can send is checked, kept and returned", async () => {
    const algorithms: readonly ChecksumAlgorithm[] = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"];
    for (const ChecksumAlgorithm of algorithms) {
      const body = randomBytes(100_000);
      for (const Body of [body, Readable.from([body])]) {
        const Key = `checksum-${ChecksumAlgorithm}`;
        await s3.send(
          new PutObjectCommand({ Bucket, Key, Body, ContentLength: body.length, ChecksumAlgorithm }),
        );
        const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
        assert.ok(head[`Checksum${ChecksumAlgorithm}`] !== undefined, ChecksumAlgorithm);
        assert.deepEqual(await get(Key), body);
      }
    }
  });

  test("a wrong checksum is refused and nothing is stored", async () => {
    const wrong = { Bucket, Key: "wrong-sum", Body: "abc", ChecksumCRC32: "AAAAAA==" };
    await fails(s3.send(new PutObjectCommand(wrong)), "BadDigest", 400);
    const wrongMd5 = { Bucket, Key: "wrong-sum", Body: "abc", ContentMD5: "1B2M2Y8AsgTpgAmY7PhCfg==" };
    await fails(s3.send(new PutObjectCommand(wrongMd5)), "BadDigest", 400);
    await fails(s3.send(new HeadObjectCommand({ Bucket, Key: "wrong-sum" })), "NotFound", 404);
  });

  test("ranges, and a range outside the file", async () => {
    const body = randomBytes(2 * MiB);
    await put("ranged", body);
    assert.deepEqual(await get("ranged", "bytes=0-0"), body.subarray(0, 1));
    assert.deepEqual(await get("ranged", `bytes=${MiB - 5}-${MiB + 4}`), body.subarray(MiB - 5, MiB + 5));
    assert.deepEqual(await get("ranged", "bytes=-7"), body.subarray(-7));
    assert.deepEqual(await get("ranged", `bytes=${2 * MiB - 3}-`), body.subarray(-3));
    await fails(get("ranged", `bytes=${2 * MiB}-`), "InvalidRange", 416);
  });

  test("user metadata and headers are kept; a copy takes them over or replaces them", async () => {
    const Metadata = { colour: "blue", "with-dash": "1 2" };
    const headers = {
      ContentType: "text/x-test",
      CacheControl: "no-cache",
      ContentDisposition: "attachment",
      ContentEncoding: "br",
    };
    await s3.send(new PutObjectCommand({ Bucket, Key: "meta", Body: "x", Metadata, ...headers }));
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "meta" }));
    assert.deepEqual(head.Metadata, Metadata);
    assert.equal(head.ContentType, headers.ContentType);
    assert.equal(head.CacheControl, headers.CacheControl);
    assert.equal(head.ContentDisposition, headers.ContentDisposition);
    assert.equal(head.ContentEncoding, headers.ContentEncoding);
    const CopySource = `${Bucket}/meta`;
    await s3.send(new CopyObjectCommand({ Bucket, Key: "meta-copy", CopySource }));
    assert.deepEqual((await s3.send(new HeadObjectCommand({ Bucket, Key: "meta-copy" }))).Metadata, Metadata);
    const replace = { MetadataDirective: "REPLACE", Metadata: { other: "2" } } as const;
    await s3.send(new CopyObjectCommand({ Bucket, Key: "meta-copy", CopySource, ...replace }));
    assert.deepEqual((await s3.send(new HeadObjectCommand({ Bucket, Key: "meta-copy" }))).Metadata, {
      other: "2",
    });
  });

  test("conditions: create if absent, compare and swap, conditional read", async () => {
    const create = new PutObjectCommand({ Bucket, Key: "cas", Body: "1", IfNoneMatch: "*" });
    const { ETag } = await s3.send(create);
    assert.ok(ETag !== undefined);
    const once = new PutObjectCommand({ Bucket, Key: "cas", Body: "2", IfNoneMatch: "*" });
    await fails(s3.send(once), "PreconditionFailed", 412);
    await s3.send(new PutObjectCommand({ Bucket, Key: "cas", Body: "2", IfMatch: ETag }));
    await fails(
      s3.send(new PutObjectCommand({ Bucket, Key: "cas", Body: "3", IfMatch: ETag })),
      "PreconditionFailed",
      412,
    );
    await fails(
      s3.send(new PutObjectCommand({ Bucket, Key: "no", Body: "3", IfMatch: ETag })),
      "NoSuchKey",
      404,
    );
    await fails(
      s3.send(new GetObjectCommand({ Bucket, Key: "cas", IfMatch: ETag })),
      "PreconditionFailed",
      412,
    );
    const unchanged = new GetObjectCommand({ Bucket, Key: "cas", IfNoneMatch: `"${md5(Buffer.from("2"))}"` });
    const notModified = (error: unknown): boolean =>
      error instanceof S3ServiceException && error.$metadata.httpStatusCode === 304;
    await assert.rejects(s3.send(unchanged), notModified);
    assert.equal((await get("cas")).toString(), "2");
  });

  test("32 concurrent creations of one key have one winner", async () => {
    const tries = Array.from({ length: 32 }, (_, i) =>
      s3.send(new PutObjectCommand({ Bucket, Key: "race", Body: `writer ${i}`, IfNoneMatch: "*" })),
    );
    const outcomes = await Promise.allSettled(tries);
    assert.equal(outcomes.filter((outcome) => outcome.status === "fulfilled").length, 1);
  });

  test("listing: order, prefix, delimiter, pages, both versions", async () => {
    const bucket = { Bucket: "list-bucket" };
    await s3.send(new CreateBucketCommand(bucket));
    const keys = ["a/1", "a/2", "b", "c/d/e", "c/f", "grüße/ß", "z z+%"];
    await Promise.all(keys.map((Key) => s3.send(new PutObjectCommand({ ...bucket, Key, Body: Key }))));
    const all = await s3.send(new ListObjectsV2Command(bucket));
    assert.deepEqual(
      all.Contents?.map((file) => file.Key),
      keys,
    );
    assert.equal(all.IsTruncated, false);
    const top = await s3.send(new ListObjectsV2Command({ ...bucket, Delimiter: "/" }));
    assert.deepEqual(
      top.CommonPrefixes?.map((prefix) => prefix.Prefix),
      ["a/", "c/", "grüße/"],
    );
    assert.deepEqual(
      top.Contents?.map((file) => file.Key),
      ["b", "z z+%"],
    );
    const paged: (string | undefined)[] = [];
    for (let ContinuationToken: string | undefined; ; ) {
      const page = await s3.send(
        new ListObjectsV2Command({
          ...bucket,
          MaxKeys: 2,
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        }),
      );
      paged.push(...(page.Contents ?? []).map((file) => file.Key));
      ContinuationToken = page.NextContinuationToken;
      if (ContinuationToken === undefined) break;
    }
    assert.deepEqual(paged, keys);
    const first = await s3.send(
      new ListObjectsCommand({ ...bucket, Marker: "a/2", MaxKeys: 2, EncodingType: "url" }),
    );
    assert.deepEqual(
      first.Contents?.map((file) => file.Key),
      ["b", "c/d/e"],
    );
    assert.equal(first.IsTruncated, true);
    await fails(s3.send(new DeleteBucketCommand(bucket)), "BucketNotEmpty", 409);
    const Objects = [...keys, "was-never-there"].map((Key) => ({ Key }));
    const deleted = await s3.send(new DeleteObjectsCommand({ ...bucket, Delete: { Objects } }));
    assert.equal(deleted.Deleted?.length, Objects.length);
    await s3.send(new DeleteBucketCommand(bucket));
    await fails(s3.send(new HeadBucketCommand(bucket)), "NotFound", 404);
  });

  test("multipart: parts in any order, listed, completed; aborted ones are gone", async () => {
    const name = { Bucket, Key: "parts" };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...name, Metadata: { a: "b" } }));
    const first = randomBytes(5 * MiB);
    const second = await s3.send(new UploadPartCommand({ ...name, UploadId, PartNumber: 2, Body: "end" }));
    const earlier = await s3.send(new UploadPartCommand({ ...name, UploadId, PartNumber: 1, Body: "again" }));
    const one = await s3.send(new UploadPartCommand({ ...name, UploadId, PartNumber: 1, Body: first }));
    assert.notEqual(earlier.ETag, one.ETag);
    const listed = await s3.send(new ListPartsCommand({ ...name, UploadId }));
    assert.deepEqual(
      listed.Parts?.map((part) => part.Size),
      [first.length, 3],
    );
    const uploads = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
    assert.deepEqual(
      uploads.Uploads?.map((upload) => upload.Key),
      ["parts"],
    );
    const complete = (etag: string | undefined): Promise<{ readonly ETag?: string | undefined }> =>
      s3.send(
        new CompleteMultipartUploadCommand({
          ...name,
          UploadId,
          MultipartUpload: {
            Parts: [
              { PartNumber: 1, ETag: etag },
              { PartNumber: 2, ETag: second.ETag },
            ],
          },
        }),
      );
    await fails(complete(earlier.ETag), "InvalidPart", 400);
    const completed = await complete(one.ETag);
    assert.match(completed.ETag ?? "", /^"[0-9a-f]{32}-2"$/);
    assert.deepEqual(await get("parts"), Buffer.concat([first, Buffer.from("end")]));
    assert.deepEqual((await s3.send(new HeadObjectCommand(name))).Metadata, { a: "b" });
    const part = await s3.send(new GetObjectCommand({ ...name, PartNumber: 2 }));
    assert.equal(await part.Body?.transformToString(), "end");
    const other = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "gone" }));
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: "gone", UploadId: other.UploadId }));
    const late = new UploadPartCommand({
      Bucket,
      Key: "gone",
      UploadId: other.UploadId,
      PartNumber: 1,
      Body: "x",
    });
    await fails(s3.send(late), "NoSuchUpload", 404);
  });

  test("lib-storage uploads a stream of unknown length in parts", async () => {
    const body = randomBytes(12 * MiB + 5);
    const upload = new Upload({
      client: s3,
      params: { Bucket, Key: "lib", Body: Readable.from(chunked(body)) },
      partSize: 5 * MiB,
    });
    await upload.done();
    assert.deepEqual(await get("lib"), body);
  });

  test("presigned URLs store and read; expired and altered ones are refused", async () => {
    const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "signed" }), { expiresIn: 60 });
    const put = await fetch(url, { method: "PUT", body: "by url" });
    assert.equal(put.status, 200, await put.text());
    const read = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "signed" }), { expiresIn: 60 });
    assert.equal(await (await fetch(read)).text(), "by url");
    assert.equal((await fetch(read.replace("signed?", "other?"))).status, 403);
    const signingDate = new Date(Date.now() - 3_600_000);
    const old = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "signed" }), {
      expiresIn: 60,
      signingDate,
    });
    const answer = await fetch(old);
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /<Code>AccessDenied<\/Code>.*expired/s);
  });

  test("a wrong secret, an unknown key and no signature are refused", async () => {
    const wrong = clientOf(holdfast, "not-the-secret");
    await fails(wrong.send(new ListBucketsCommand({})), "SignatureDoesNotMatch", 403);
    wrong.destroy();
    assert.equal((await fetch(`${holdfast.s3Endpoint}/${Bucket}/text`)).status, 403);
  });

  test("names that cannot be are refused; what is missing is missing", async () => {
    await fails(put("k".repeat(1025), "x"), "KeyTooLongError", 400);
    await put("k".repeat(1024), "x");
    await fails(get("missing"), "NoSuchKey", 404);
    await fails(s3.send(new GetObjectCommand({ Bucket: "no-such-bucket", Key: "a" })), "NoSuchBucket", 404);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "missing" }));
  });

  test("buckets are listed, located, and created again by their owner", async () => {
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    assert.ok(Buckets?.some((bucket) => bucket.Name === Bucket && bucket.CreationDate instanceof Date));
    await s3.send(new GetBucketLocationCommand({ Bucket }));
    await s3.send(new CreateBucketCommand({ Bucket }));
    await fails(s3.send(new CreateBucketCommand({ Bucket: "Bad_Name" })), "InvalidBucketName", 400);
  });
});

function* chunked(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += 100_000) yield body.subarray(at, at + 100_000);
}
