import assert from "node:assert/strict";
import type { ObjectAttributes } from "@aws-sdk/client-s3";
import { GetObjectAttributesCommand } from "@aws-sdk/client-s3";
import type { ConformanceOperation } from "../conformance-case.ts";
import { outcomeOf, refuses, works } from "../conformance-case.ts";
import { partBytesMin, storeTwoParts } from "../multipart.ts";

const all: ObjectAttributes[] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

export const getObjectAttributes: ConformanceOperation = {
  name: "GetObjectAttributes",
  supports: "ETag, Checksum, ObjectParts in pages, StorageClass, ObjectSize",
  cases: [
    works("all of a file in one piece", async (target) => {
      const Key = await target.stored("x", { ChecksumAlgorithm: "SHA256" });
      const ask = { Bucket: target.bucket, Key, ObjectAttributes: all };
      const found = await target.s3.send(new GetObjectAttributesCommand(ask));
      const { ETag } = await target.head(Key);
      assert.deepEqual([`"${found.ETag}"`, found.ObjectSize, found.StorageClass], [ETag, 1, "STANDARD"]);
      assert.ok(found.Checksum?.ChecksumSHA256 !== undefined && found.LastModified instanceof Date);
      assert.equal(found.Checksum.ChecksumType, "FULL_OBJECT");
      assert.equal(found.ObjectParts, undefined);
    }),
    works("only what is asked for", async (target) => {
      const ask = {
        Bucket: target.bucket,
        Key: await target.stored(),
        ObjectAttributes: ["ObjectSize" as const],
      };
      const { ETag, ObjectSize, Checksum } = await target.s3.send(new GetObjectAttributesCommand(ask));
      assert.deepEqual([ETag, ObjectSize, Checksum], [undefined, 7, undefined]);
    }),
    works("parts with their checksums, in pages", async (target) => {
      const { key: Key } = await storeTwoParts(target, { ChecksumAlgorithm: "SHA256" });
      const ask = {
        Bucket: target.bucket,
        Key,
        ObjectAttributes: ["ObjectParts" as const, "Checksum" as const],
        MaxParts: 1,
      };
      const first = await target.s3.send(new GetObjectAttributesCommand(ask));
      assert.match(first.Checksum?.ChecksumSHA256 ?? "", /-2$/);
      assert.equal(first.Checksum?.ChecksumType, "COMPOSITE");
      const { ObjectParts } = first;
      assert.deepEqual([ObjectParts?.TotalPartsCount, ObjectParts?.IsTruncated], [2, true]);
      assert.deepEqual(
        [ObjectParts?.Parts?.[0]?.PartNumber, ObjectParts?.Parts?.[0]?.Size],
        [1, partBytesMin],
      );
      const PartNumberMarker = ObjectParts?.NextPartNumberMarker;
      const rest = await target.s3.send(new GetObjectAttributesCommand({ ...ask, PartNumberMarker }));
      assert.deepEqual([rest.ObjectParts?.Parts?.[0]?.Size, rest.ObjectParts?.IsTruncated], [7, false]);
      assert.ok(rest.ObjectParts?.Parts?.[0]?.ChecksumSHA256 !== undefined);
    }),
    refuses("an attribute that is none", "400 InvalidArgument", async (target) =>
      target.raw({
        path: target.path(await target.stored()),
        query: "attributes",
        headers: { "x-amz-object-attributes": "ETag,Colour" },
      }),
    ),
    refuses("no attribute", "400 InvalidArgument", async (target) =>
      target.raw({ path: target.path(await target.stored()), query: "attributes" }),
    ),
    refuses("a key that is not there", "404 NoSuchKey", (target) =>
      target.s3.send(
        new GetObjectAttributesCommand({ Bucket: target.bucket, Key: target.key(), ObjectAttributes: all }),
      ),
    ),
  ],
};

export const acls: ConformanceOperation = {
  name: "GetBucketAcl, GetObjectAcl, PutBucketAcl, PutObjectAcl",
  supports:
    "the owner has full control, as with BucketOwnerEnforced; `private` can be set, grants are refused",
  cases: [
    works("the owner has full control of bucket and file", async (target) => {
      for (const path of [`/${target.bucket}`, target.path(await target.stored())])
        assert.match(
          (await target.raw({ path, query: "acl" })).text,
          /<Permission>FULL_CONTROL<\/Permission>/,
        );
    }),
    works("private can be set", async (target) => {
      for (const path of [`/${target.bucket}`, target.path(await target.stored())]) {
        const sent = target.raw({ method: "PUT", path, query: "acl", headers: { "x-amz-acl": "private" } });
        assert.equal(await outcomeOf(target, sent), "200");
      }
    }),
    works("the ACL that is there can be set again as a document, another cannot", async (target) => {
      const path = target.path(await target.stored());
      const { text } = await target.raw({ path, query: "acl" });
      const set = (body: string) =>
        outcomeOf(target, target.raw({ method: "PUT", path, query: "acl", body }));
      assert.equal(await set(text), "200");
      const denied = "400 AccessControlListNotSupported";
      assert.equal(await set(text.replace("FULL_CONTROL", "READ")), denied);
      assert.equal(
        await set(text.replace(/<Grantee .*<\/Grantee>/s, "<Grantee><ID>bob</ID></Grantee>")),
        denied,
      );
    }),
    refuses("public-read", "400 AccessControlListNotSupported", async (target) =>
      target.raw({
        method: "PUT",
        path: target.path(await target.stored()),
        query: "acl",
        headers: { "x-amz-acl": "public-read" },
      }),
    ),
    refuses("the ACL of a key that is not there", "404 NoSuchKey", (target) =>
      target.raw({ path: target.path(target.key()), query: "acl" }),
    ),
  ],
};

export const objectTagging: ConformanceOperation = {
  name: "GetObjectTagging, DeleteObjectTagging",
  supports: "no file has tags; setting them (PutObjectTagging) is refused with 501",
  cases: [
    works("the set is empty, and can be emptied", async (target) => {
      const path = target.path(await target.stored());
      assert.match((await target.raw({ path, query: "tagging" })).text, /<TagSet><\/TagSet>/);
      assert.equal((await target.raw({ method: "DELETE", path, query: "tagging" })).status, 204);
      assert.equal((await target.raw({ method: "HEAD", path })).status, 200);
    }),
    refuses("a key that is not there", "404 NoSuchKey", (target) =>
      target.raw({ path: target.path(target.key()), query: "tagging" }),
    ),
    {
      ...refuses("PutObjectTagging", "501 NotImplemented", async (target) =>
        target.raw({
          method: "PUT",
          path: target.path(await target.stored()),
          query: "tagging",
          body: "<Tagging/>",
        }),
      ),
      needs: "own node",
    },
  ],
};

export const objectLock: ConformanceOperation = {
  name: "GetObjectRetention, GetObjectLegalHold",
  supports: "no bucket has object lock: refused as S3 does",
  cases: ["retention", "legal-hold"].map((query) =>
    refuses(`GET ?${query}`, "400 InvalidRequest", async (target) =>
      target.raw({ path: target.path(await target.stored()), query }),
    ),
  ),
};
