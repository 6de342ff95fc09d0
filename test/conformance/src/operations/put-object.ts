import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { ConformanceOperation } from "../conformance-case.ts";
import { refuses, works } from "../conformance-case.ts";
import { MiB } from "../multipart.ts";

const sizes = [0, 1, 16 * 1024, 16 * 1024 + 1, MiB, MiB + 1] as const;
const headers = {
  ContentType: "text/x-test",
  ContentEncoding: "gzip",
  ContentLanguage: "de",
  ContentDisposition: 'attachment; filename="a.txt"',
  CacheControl: "max-age=60",
} as const;

export const putObject: ConformanceOperation = {
  name: "PutObject",
  supports:
    "bodies to 5 GiB, metadata, checksums, conditions; STANDARD storage class alone; no tags, encryption or object lock",
  cases: [
    ...sizes.map((bytes) =>
      works(`${bytes} bytes come back, with their MD5 as ETag`, async (target) => {
        const Body = randomBytes(bytes);
        const Key = target.key();
        const { ETag } = await target.put(Key, Body);
        assert.equal(ETag, `"${createHash("md5").update(Body).digest("hex")}"`);
        const { bytes: read } = await target.raw({ path: target.path(Key) });
        assert.ok(Body.equals(read));
      }),
    ),
    works("a stream of known length is stored", async (target) => {
      const Key = target.key();
      await target.put(Key, Readable.from([Buffer.from("one "), Buffer.from("two")]), { ContentLength: 7 });
      assert.equal(await target.text(Key), "one two");
    }),
    works("content headers and metadata are kept", async (target) => {
      const Metadata = { colour: "blue", "with-dash": "1  2", empty: "" };
      const key = await target.stored("x", {
        ...headers,
        Metadata,
        Expires: new Date(Date.UTC(2032, 0, 1)),
      });
      const head = await target.head(key);
      for (const [name, value] of Object.entries(headers)) assert.equal(Reflect.get(head, name), value, name);
      assert.equal(head.ExpiresString, "Thu, 01 Jan 2032 00:00:00 GMT");
      assert.deepEqual(head.Metadata, Metadata);
    }),
    works("a new body replaces the metadata too", async (target) => {
      const key = await target.stored("1", { Metadata: { a: "b" } });
      await target.put(key, "2");
      assert.deepEqual((await target.head(key)).Metadata, {});
    }),
    works("a type is assumed where none is given", async (target) => {
      const key = target.key();
      await target.raw({ method: "PUT", path: target.path(key), body: "x" });
      assert.equal((await target.head(key)).ContentType, "binary/octet-stream");
    }),
    works("aws-chunked is the request's encoding, not the file's", async (target) => {
      const key = await target.stored("x", { ContentEncoding: "aws-chunked,br" });
      assert.equal((await target.head(key)).ContentEncoding, "br");
    }),
    works("metadata beyond ASCII comes back as it went", async (target) => {
      const key = target.key();
      const sent = { "x-amz-meta-title": Buffer.from("grüße").toString("latin1") };
      await target.raw({ method: "PUT", path: target.path(key), body: "x", headers: sent });
      const title = (await target.raw({ path: target.path(key) })).headers["x-amz-meta-title"];
      assert.equal(Buffer.from(String(title), "latin1").toString(), "grüße");
    }),
    works("metadata of 2 KiB is taken", async (target) => {
      await target.stored("x", { Metadata: { a: "v".repeat(2047) } });
    }),
    refuses("metadata beyond 2 KiB", "400 MetadataTooLarge", (target) =>
      target.put(target.key(), "x", { Metadata: { a: "v".repeat(2048) } }),
    ),
    refuses("a bucket that is not there", "404 NoSuchBucket", (target) =>
      target.s3.send(new PutObjectCommand({ Bucket: target.bucketName(), Key: "a", Body: "x" })),
    ),
    refuses("more than 5 GiB, before a byte of it", "400 EntityTooLarge", (target) =>
      target.raw({
        method: "PUT",
        path: target.path(target.key()),
        headers: { "content-length": String(5 * 1024 * MiB + 1) },
        unsignedHeaders: { expect: "100-continue" },
        payloadHash: "UNSIGNED-PAYLOAD",
      }),
    ),
    refuses("a body without length", "411 MissingContentLength", (target) =>
      target.raw({
        method: "PUT",
        path: target.path(target.key()),
        sign: "query",
        body: "x",
        unsignedHeaders: { "transfer-encoding": "chunked" },
      }),
    ),
    refuses("a part without an upload", "400 InvalidArgument", (target) =>
      target.raw({ method: "PUT", path: target.path(target.key()), query: "partNumber=1", body: "x" }),
    ),
    refuses("a storage class that is none", "400 InvalidStorageClass", (target) =>
      target.raw({ method: "PUT", path: target.path("a"), headers: { "x-amz-storage-class": "BEST" } }),
    ),
    refuses("a canned ACL that grants", "400 AccessControlListNotSupported", (target) =>
      target.put(target.key(), "x", { ACL: "public-read" }),
    ),
    refuses("a grant", "400 AccessControlListNotSupported", (target) =>
      target.put(target.key(), "x", { GrantRead: "id=1" }),
    ),
    works("the ACLs that say nothing new are taken", async (target) => {
      for (const ACL of ["private", "bucket-owner-full-control"] as const)
        await target.put(target.key(), "x", { ACL, StorageClass: "STANDARD" });
    }),
    ...Object.entries({
      "x-amz-tagging": "a=b",
      "x-amz-server-side-encryption": "AES256",
      "x-amz-object-lock-mode": "GOVERNANCE",
      "x-amz-website-redirect-location": "/x",
    }).map(([name, value]) => ({
      ...refuses(`the header ${name}, which is not built`, "501 NotImplemented", (target) =>
        target.raw({ method: "PUT", path: target.path("a"), headers: { [name]: value } }),
      ),
      needs: "own node" as const,
    })),
  ],
};
