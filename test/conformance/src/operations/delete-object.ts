import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DeleteObjectCommand, DeleteObjectsCommand } from "@aws-sdk/client-s3";
import type { ConformanceOperation } from "../conformance-case.ts";
import { refuses, works } from "../conformance-case.ts";
import type { RawAnswer } from "../raw-request.ts";
import type { Target } from "../target.ts";

export const deleteObject: ConformanceOperation = {
  name: "DeleteObject",
  supports: "conditions; the null version",
  cases: [
    works("the file is gone", async (target) => {
      const Key = await target.stored();
      const { $metadata } = await target.s3.send(new DeleteObjectCommand({ Bucket: target.bucket, Key }));
      assert.equal($metadata.httpStatusCode, 204);
      await assert.rejects(target.head(Key));
    }),
    works("what is not there is deleted too", async (target) => {
      await target.s3.send(new DeleteObjectCommand({ Bucket: target.bucket, Key: target.key() }));
    }),
    refuses("a version other than null, and the file stays", "400 InvalidArgument", async (target) => {
      const Key = await target.stored();
      const VersionId = "3";
      return target.s3.send(new DeleteObjectCommand({ Bucket: target.bucket, Key, VersionId }));
    }),
    refuses("a bucket that is not there", "404 NoSuchBucket", (target) =>
      target.s3.send(new DeleteObjectCommand({ Bucket: target.bucketName(), Key: "a" })),
    ),
  ],
};

function deleteDocument(
  target: Target,
  body: string,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  const md5 = createHash("md5").update(body).digest("base64");
  const all = { "content-md5": md5, ...headers };
  return target.raw({ method: "POST", path: `/${target.bucket}`, query: "delete", body, headers: all });
}

const listOf = (count: number): string =>
  `<Delete>${Array.from({ length: count }, (_, i) => `<Object><Key>no-${i}</Key></Object>`).join("")}</Delete>`;

export const deleteObjects: ConformanceOperation = {
  name: "DeleteObjects",
  supports: "1,000 keys, quiet, a condition on the ETag per key",
  cases: [
    works("each key has its result, there or not", async (target) => {
      const Objects = [{ Key: await target.stored() }, { Key: target.key() }];
      const { Deleted, Errors } = await target.s3.send(
        new DeleteObjectsCommand({ Bucket: target.bucket, Delete: { Objects } }),
      );
      assert.deepEqual([Deleted?.map(({ Key }) => Key), Errors], [Objects.map(({ Key }) => Key), undefined]);
    }),
    works("quiet names failures alone", async (target) => {
      const Objects = [{ Key: await target.stored() }, { Key: await target.stored(), VersionId: "3" }];
      const Delete = { Objects, Quiet: true };
      const { Deleted, Errors } = await target.s3.send(
        new DeleteObjectsCommand({ Bucket: target.bucket, Delete }),
      );
      assert.deepEqual([Deleted, Errors?.map(({ Code }) => Code)], [undefined, ["InvalidArgument"]]);
      await target.head(Objects[1]?.Key ?? "");
    }),
    works("an ETag per key is held against what is there", async (target) => {
      const keys = [await target.stored("1"), await target.stored("2"), target.key()];
      const { ETag } = await target.head(keys[0] ?? "");
      const Objects = keys.map((Key) => ({ Key, ETag }));
      const Delete = { Objects };
      const answer = await target.s3.send(new DeleteObjectsCommand({ Bucket: target.bucket, Delete }));
      assert.deepEqual(
        answer.Deleted?.map(({ Key }) => Key),
        keys.slice(0, 1),
      );
      assert.deepEqual(
        answer.Errors?.map(({ Code }) => Code),
        ["PreconditionFailed", "NoSuchKey"],
      );
    }),
    works("keys with characters of XML", async (target) => {
      const Key = `${target.key()}<&>"'\u00e9 +%`;
      await target.put(Key);
      await target.s3.send(
        new DeleteObjectsCommand({ Bucket: target.bucket, Delete: { Objects: [{ Key }] } }),
      );
      await assert.rejects(target.head(Key));
    }),
    works("1,000 keys", async (target) => {
      const { status, text } = await deleteDocument(target, listOf(1000));
      assert.deepEqual([status, text.split("<Deleted>").length], [200, 1001]);
    }),
    refuses("1,001 keys", "400 MalformedXML", (target) => deleteDocument(target, listOf(1001))),
    refuses("no keys", "400 MalformedXML", (target) => deleteDocument(target, listOf(0))),
    refuses("another document", "400 MalformedXML", (target) => deleteDocument(target, "<Remove/>")),
    refuses("no XML", "400 MalformedXML", (target) => deleteDocument(target, "<Delete><Object>")),
    refuses("a document type", "400 MalformedXML", (target) =>
      deleteDocument(
        target,
        '<!DOCTYPE a [<!ENTITY b "c">]><Delete><Object><Key>&b;</Key></Object></Delete>',
      ),
    ),
    refuses("no digest of the list", "400 InvalidRequest", (target) =>
      target.raw({ method: "POST", path: `/${target.bucket}`, query: "delete", body: listOf(1) }),
    ),
    refuses("a wrong digest of the list", "400 BadDigest", (target) =>
      deleteDocument(target, listOf(1), { "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==" }),
    ),
    refuses("a document beyond every limit", "400 MaxMessageLengthExceeded", (target) =>
      target.raw({
        method: "POST",
        path: `/${target.bucket}`,
        query: "delete",
        headers: { "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==", "content-length": String(9 * 1024 * 1024) },
        unsignedHeaders: { expect: "100-continue" },
        payloadHash: "UNSIGNED-PAYLOAD",
      }),
    ),
    refuses("a bucket that is not there", "404 NoSuchBucket", (target) =>
      target.s3.send(
        new DeleteObjectsCommand({ Bucket: target.bucketName(), Delete: { Objects: [{ Key: "a" }] } }),
      ),
    ),
  ],
};
