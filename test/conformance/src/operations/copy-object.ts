import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { CopyObjectCommandInput, CopyObjectCommandOutput } from "@aws-sdk/client-s3";
import { CopyObjectCommand } from "@aws-sdk/client-s3";
import type { ConformanceOperation } from "../conformance-case.ts";
import { refuses, works } from "../conformance-case.ts";
import { fullPart, storeTwoParts } from "../multipart.ts";
import type { Target } from "../target.ts";

function copy(
  target: Target,
  source: string,
  Key: string,
  more: Partial<CopyObjectCommandInput> = {},
): Promise<CopyObjectCommandOutput> {
  const CopySource = encodeURI(`${target.bucket}/${source}`);
  return target.s3.send(new CopyObjectCommand({ Bucket: target.bucket, Key, CopySource, ...more }));
}

const sourceOf = async (target: Target, more: Partial<CopyObjectCommandInput>): Promise<unknown> =>
  copy(target, await target.stored(), target.key(), more);

export const copyObject: ConformanceOperation = {
  name: "CopyObject",
  supports:
    "metadata directive, conditions on source and destination, another checksum; without moving bytes",
  cases: [
    works("content, metadata and headers go along; the source stays", async (target) => {
      const source = await target.stored("to copy", { Metadata: { a: "b" }, ContentType: "text/x" });
      const key = target.key();
      const { CopyObjectResult } = await copy(target, source, key);
      const head = await target.head(key);
      assert.equal(head.ETag, CopyObjectResult?.ETag);
      assert.ok(CopyObjectResult?.LastModified instanceof Date);
      assert.deepEqual([head.Metadata, head.ContentType], [{ a: "b" }, "text/x"]);
      assert.deepEqual([await target.text(key), await target.text(source)], ["to copy", "to copy"]);
    }),
    works("REPLACE takes the request's metadata and headers", async (target) => {
      const source = await target.stored("x", { Metadata: { a: "b" }, ContentType: "text/x" });
      const key = target.key();
      const more = { MetadataDirective: "REPLACE", Metadata: { c: "d" }, ContentType: "text/y" } as const;
      await copy(target, source, key, more);
      const head = await target.head(key);
      assert.deepEqual([head.Metadata, head.ContentType], [{ c: "d" }, "text/y"]);
    }),
    works("the request's metadata says nothing without REPLACE", async (target) => {
      const source = await target.stored("x", { Metadata: { a: "b" } });
      const key = target.key();
      await copy(target, source, key, { Metadata: { c: "d" } });
      assert.deepEqual((await target.head(key)).Metadata, { a: "b" });
    }),
    works("onto itself with REPLACE: the metadata change", async (target) => {
      const key = await target.stored("x", { Metadata: { a: "b" } });
      await copy(target, key, key, { MetadataDirective: "REPLACE", Metadata: { c: "d" } });
      assert.deepEqual([(await target.head(key)).Metadata, await target.text(key)], [{ c: "d" }, "x"]);
    }),
    refuses("onto itself without a change", "400 InvalidRequest", async (target) => {
      const key = await target.stored();
      return copy(target, key, key);
    }),
    works("from another bucket", async (target) => {
      const source = await target.stored("elsewhere");
      const Bucket = await target.newBucket();
      await copy(target, source, "k", { Bucket });
      assert.equal(await target.text("k", { Bucket }), "elsewhere");
    }),
    works("keys with special characters, encoded", async (target) => {
      const source = `${target.key()}/ä +%?&=#`;
      await target.put(source, "special");
      const key = target.key();
      await copy(target, "", key, { CopySource: `/${target.bucket}/${encodeURIComponent(source)}` });
      assert.equal(await target.text(key), "special");
    }),
    works("an empty file", async (target) => {
      const key = target.key();
      await copy(target, await target.stored(""), key);
      assert.equal((await target.head(key)).ContentLength, 0);
    }),
    works("a file of parts, whole", async (target) => {
      const { key: source } = await storeTwoParts(target);
      const key = target.key();
      await copy(target, source, key);
      const { bytes } = await target.raw({ path: target.path(key) });
      assert.ok(Buffer.concat([fullPart, Buffer.from("the end")]).equals(bytes));
    }),
    ...(["SHA256", "SHA1", "CRC32C", "CRC64NVME", "CRC32"] as const).map((ChecksumAlgorithm) =>
      works(`${ChecksumAlgorithm} where the source has another checksum`, async (target) => {
        const source = await target.stored("to sum", { ChecksumAlgorithm: "CRC32" });
        const key = target.key();
        const { CopyObjectResult } = await copy(target, source, key, { ChecksumAlgorithm });
        const name = `Checksum${ChecksumAlgorithm}` as const;
        const head = await target.head(key, { ChecksumMode: "ENABLED" });
        assert.ok(head[name] !== undefined);
        assert.equal(CopyObjectResult?.[name], head[name]);
        assert.equal(head.ChecksumType, "FULL_OBJECT");
      }),
    ),
    works("SHA-256 of a file of parts, computed over the whole", async (target) => {
      const { key: source } = await storeTwoParts(target);
      const key = target.key();
      const { CopyObjectResult } = await copy(target, source, key, { ChecksumAlgorithm: "SHA256" });
      const expected = createHash("sha256").update(fullPart).update("the end").digest("base64");
      assert.equal(CopyObjectResult?.ChecksumSHA256, expected);
    }),
    refuses("a checksum that is none", "400 InvalidRequest", async (target) =>
      target.raw({
        method: "PUT",
        path: target.path(target.key()),
        headers: {
          "x-amz-copy-source": target.path(await target.stored()),
          "x-amz-checksum-algorithm": "ADLER32",
        },
      }),
    ),
    refuses("a directive that is none", "400 InvalidArgument", (target) =>
      sourceOf(target, { MetadataDirective: "MERGE" as "COPY" }),
    ),
    {
      ...refuses("tags to replace, which are not built", "501 NotImplemented", (target) =>
        sourceOf(target, { TaggingDirective: "REPLACE", Tagging: "a=b" }),
      ),
      needs: "own node",
    },
    refuses("a source that is not there", "404 NoSuchKey", (target) =>
      copy(target, target.key(), target.key()),
    ),
    refuses("a source bucket that is not there", "404 NoSuchBucket", (target) =>
      copy(target, "", target.key(), { CopySource: `${target.bucketName()}/a` }),
    ),
    refuses("a source without key", "400 InvalidArgument", (target) =>
      copy(target, "", target.key(), { CopySource: target.bucket }),
    ),
    refuses("a source version that is not there", "400 InvalidArgument", (target) =>
      copy(target, "", target.key(), { CopySource: `${target.bucket}/a?versionId=3` }),
    ),
    works("the source's null version", async (target) => {
      const CopySource = `${target.bucket}/${await target.stored("v")}?versionId=null`;
      const key = target.key();
      await copy(target, "", key, { CopySource });
      assert.equal(await target.text(key), "v");
    }),
  ],
};
