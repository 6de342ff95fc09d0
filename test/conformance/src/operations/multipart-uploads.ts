import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import type { ConformanceOperation } from "../conformance-case.ts";
import { refuses, works } from "../conformance-case.ts";
import {
  beginUpload,
  completeUpload,
  fullPart,
  MiB,
  partBytesMin,
  storeTwoParts,
  uploadPart,
} from "../multipart.ts";

const noUpload = "ffffffffffffffff";

export const createMultipartUpload: ConformanceOperation = {
  name: "CreateMultipartUpload",
  supports: "metadata, checksum algorithm and type",
  cases: [
    works("metadata and headers become the file's", async (target) => {
      const { key } = await storeTwoParts(target, { Metadata: { a: "b" }, ContentType: "text/x" });
      const head = await target.head(key);
      assert.deepEqual([head.Metadata, head.ContentType], [{ a: "b" }, "text/x"]);
    }),
    works("algorithm and type are confirmed", async (target) => {
      const ask = { Bucket: target.bucket, Key: target.key(), ChecksumAlgorithm: "CRC64NVME" } as const;
      const made = await target.s3.send(new CreateMultipartUploadCommand(ask));
      assert.deepEqual([made.ChecksumAlgorithm, made.ChecksumType], ["CRC64NVME", "FULL_OBJECT"]);
    }),
    refuses("a bucket that is not there", "404 NoSuchBucket", (target) =>
      target.s3.send(new CreateMultipartUploadCommand({ Bucket: target.bucketName(), Key: "a" })),
    ),
  ],
};

export const uploadPartOperation: ConformanceOperation = {
  name: "UploadPart",
  supports: "parts 1 to 10,000 of up to 5 GiB, checksums",
  cases: [
    works("a part sent again replaces the one before", async (target) => {
      const upload = await beginUpload(target);
      const before = await uploadPart(target, upload, 1, "before");
      const after = await uploadPart(target, upload, 1, "after");
      await assert.rejects(completeUpload(target, upload, [{ PartNumber: 1, ETag: before.ETag }]));
      await completeUpload(target, upload, [{ PartNumber: 1, ETag: after.ETag }]);
      assert.equal(await target.text(upload.Key), "after");
    }),
    works("part 10,000", async (target) => {
      const upload = await beginUpload(target);
      const { ETag } = await uploadPart(target, upload, 10_000, "last");
      await completeUpload(target, upload, [{ PartNumber: 10_000, ETag }]);
      assert.equal(await target.text(upload.Key), "last");
    }),
    ...["0", "10001", "x"].map((number) =>
      refuses(`part ${number}`, "400 InvalidArgument", async (target) => {
        const { Key, UploadId } = await beginUpload(target);
        const query = `partNumber=${number}&uploadId=${UploadId}`;
        return target.raw({ method: "PUT", path: target.path(Key), query, body: "x" });
      }),
    ),
    refuses("an upload that is not there", "404 NoSuchUpload", (target) =>
      uploadPart(target, { Bucket: target.bucket, Key: target.key(), UploadId: noUpload }, 1),
    ),
    refuses("an upload of another key", "404 NoSuchUpload", async (target) => {
      const upload = await beginUpload(target);
      return uploadPart(target, { ...upload, Key: target.key() }, 1);
    }),
    refuses("more than 5 GiB, before a byte of it", "400 EntityTooLarge", async (target) => {
      const { Key, UploadId } = await beginUpload(target);
      return target.raw({
        method: "PUT",
        path: target.path(Key),
        query: `partNumber=1&uploadId=${UploadId}`,
        headers: { "content-length": String(1024 * partBytesMin + 1) },
        unsignedHeaders: { expect: "100-continue" },
        payloadHash: "UNSIGNED-PAYLOAD",
      });
    }),
  ],
};

export const completeMultipartUpload: ConformanceOperation = {
  name: "CompleteMultipartUpload",
  supports: "checksums per part and of the whole, conditions, `x-amz-mp-object-size`; repeatable for a day",
  cases: [
    works("the parts are one file, its ETag made of theirs", async (target) => {
      const { key, completed } = await storeTwoParts(target);
      assert.match(completed.ETag ?? "", /^"[0-9a-f]{32}-2"$/);
      assert.deepEqual([completed.Bucket, completed.Key], [target.bucket, key]);
      assert.ok(completed.Location?.includes(key));
      const { bytes } = await target.raw({ path: target.path(key) });
      assert.ok(Buffer.concat([fullPart, Buffer.from("the end")]).equals(bytes));
    }),
    works("parts that are not listed are left out", async (target) => {
      const upload = await beginUpload(target);
      await uploadPart(target, upload, 1, "left out");
      const { ETag } = await uploadPart(target, upload, 3, "kept");
      await completeUpload(target, upload, [{ PartNumber: 3, ETag }]);
      assert.equal(await target.text(upload.Key), "kept");
    }),
    works("nothing is visible before", async (target) => {
      const upload = await beginUpload(target);
      await uploadPart(target, upload, 1);
      await assert.rejects(target.head(upload.Key));
    }),
    works("sent again it has the same answer", async (target) => {
      const upload = await beginUpload(target);
      const { ETag } = await uploadPart(target, upload, 1);
      const parts = [{ PartNumber: 1, ETag }];
      const first = await completeUpload(target, upload, parts);
      const again = await completeUpload(target, upload, parts);
      assert.equal(again.ETag, first.ETag);
    }),
    works("the size of the whole is held against the parts", async (target) => {
      const upload = await beginUpload(target);
      const { ETag } = await uploadPart(target, upload, 1);
      const parts = [{ PartNumber: 1, ETag }];
      await assert.rejects(completeUpload(target, upload, parts, { MpuObjectSize: 8 }), {
        name: "InvalidRequest",
      });
      await completeUpload(target, upload, parts, { MpuObjectSize: 7 });
    }),
    works("a stream of unknown length by the SDK's own uploader", async (target) => {
      const Key = target.key();
      const body = randomBytes(2 * partBytesMin + 5);
      const pieces = Array.from({ length: 11 }, (_, i) => body.subarray(i * MiB, (i + 1) * MiB));
      const params = { Bucket: target.bucket, Key, Body: Readable.from(pieces) };
      await new Upload({ client: target.s3, params, partSize: partBytesMin }).done();
      const { bytes } = await target.raw({ path: target.path(Key) });
      assert.ok(body.equals(bytes));
    }),
    refuses("a part that is too small before the last", "400 EntityTooSmall", async (target) => {
      const upload = await beginUpload(target);
      const parts = await Promise.all(
        [1, 2].map(async (PartNumber) => {
          const { ETag } = await uploadPart(target, upload, PartNumber);
          return { PartNumber, ETag };
        }),
      );
      return completeUpload(target, upload, parts);
    }),
    refuses("parts out of order", "400 InvalidPartOrder", async (target) => {
      const upload = await beginUpload(target);
      const { ETag } = await uploadPart(target, upload, 1);
      return completeUpload(target, upload, [
        { PartNumber: 2, ETag },
        { PartNumber: 1, ETag },
      ]);
    }),
    refuses("a part that was not uploaded", "400 InvalidPart", async (target) => {
      const upload = await beginUpload(target);
      const { ETag } = await uploadPart(target, upload, 1);
      return completeUpload(target, upload, [
        { PartNumber: 1, ETag },
        { PartNumber: 2, ETag },
      ]);
    }),
    refuses("a part with another ETag", "400 InvalidPart", async (target) => {
      const upload = await beginUpload(target);
      await uploadPart(target, upload, 1);
      return completeUpload(target, upload, [{ PartNumber: 1, ETag: '"00000000000000000000000000000000"' }]);
    }),
    refuses("no parts", "400 MalformedXML", async (target) =>
      completeUpload(target, await beginUpload(target), []),
    ),
    refuses("no XML", "400 MalformedXML", async (target) => {
      const { Key, UploadId } = await beginUpload(target);
      const query = `uploadId=${UploadId}`;
      return target.raw({ method: "POST", path: target.path(Key), query, body: "<Complete" });
    }),
    refuses("an upload that is not there", "404 NoSuchUpload", (target) =>
      target.s3.send(
        new CompleteMultipartUploadCommand({
          Bucket: target.bucket,
          Key: target.key(),
          UploadId: noUpload,
          MultipartUpload: { Parts: [{ PartNumber: 1, ETag: '"00000000000000000000000000000000"' }] },
        }),
      ),
    ),
  ],
};

export const abortMultipartUpload: ConformanceOperation = {
  name: "AbortMultipartUpload",
  supports: "yes",
  cases: [
    works("the upload is gone, and takes no more parts", async (target) => {
      const upload = await beginUpload(target);
      await uploadPart(target, upload, 1);
      const { $metadata } = await target.s3.send(new AbortMultipartUploadCommand(upload));
      assert.equal($metadata.httpStatusCode, 204);
      await assert.rejects(uploadPart(target, upload, 2), { name: "NoSuchUpload" });
      await assert.rejects(target.s3.send(new ListPartsCommand(upload)), { name: "NoSuchUpload" });
    }),
    refuses("an upload that is not there", "404 NoSuchUpload", (target) =>
      target.s3.send(
        new AbortMultipartUploadCommand({ Bucket: target.bucket, Key: target.key(), UploadId: noUpload }),
      ),
    ),
  ],
};

export const listParts: ConformanceOperation = {
  name: "ListParts",
  supports: "pages, checksums",
  cases: [
    works("parts by number, with size, ETag, date and checksum", async (target) => {
      const upload = await beginUpload(target, { ChecksumAlgorithm: "SHA1" });
      for (const number of [3, 1])
        await uploadPart(target, upload, number, "x", { ChecksumAlgorithm: "SHA1" });
      const listed = await target.s3.send(new ListPartsCommand(upload));
      assert.deepEqual(
        listed.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size]),
        [
          [1, 1],
          [3, 1],
        ],
      );
      assert.ok(
        listed.Parts?.every((part) => part.ChecksumSHA1 !== undefined && part.LastModified instanceof Date),
      );
      assert.deepEqual([listed.ChecksumAlgorithm, listed.ChecksumType], ["SHA1", "COMPOSITE"]);
      assert.deepEqual(
        [listed.Key, listed.UploadId, listed.StorageClass],
        [upload.Key, upload.UploadId, "STANDARD"],
      );
      assert.ok(listed.Owner?.ID !== undefined && listed.Initiator?.ID !== undefined);
    }),
    works("pages by marker", async (target) => {
      const upload = await beginUpload(target);
      for (const number of [1, 2, 5]) await uploadPart(target, upload, number);
      const first = await target.s3.send(new ListPartsCommand({ ...upload, MaxParts: 2 }));
      assert.deepEqual([first.IsTruncated, first.NextPartNumberMarker], [true, "2"]);
      const PartNumberMarker = first.NextPartNumberMarker;
      const rest = await target.s3.send(new ListPartsCommand({ ...upload, MaxParts: 2, PartNumberMarker }));
      assert.deepEqual([rest.Parts?.map((part) => part.PartNumber), rest.IsTruncated], [[5], false]);
    }),
    works("an upload without parts", async (target) => {
      const { Parts, IsTruncated } = await target.s3.send(new ListPartsCommand(await beginUpload(target)));
      assert.deepEqual([Parts, IsTruncated], [undefined, false]);
    }),
    refuses("max-parts that is none", "400 InvalidArgument", async (target) => {
      const { Key, UploadId } = await beginUpload(target);
      return target.raw({ path: target.path(Key), query: `max-parts=x&uploadId=${UploadId}` });
    }),
    refuses("an upload that is not there", "404 NoSuchUpload", (target) =>
      target.s3.send(new ListPartsCommand({ Bucket: target.bucket, Key: target.key(), UploadId: noUpload })),
    ),
  ],
};

export const listMultipartUploads: ConformanceOperation = {
  name: "ListMultipartUploads",
  supports: "prefix, delimiter, markers, encoding-type, checksums",
  cases: [
    works("uploads by key, then by age; prefixes, markers and pages", async (target) => {
      const Bucket = await target.newBucket();
      const keys = ["a/1", "a/2", "b", "b", "c d"];
      const begun: string[] = [];
      for (const Key of keys) begun.push((await beginUpload(target, { Bucket, Key })).UploadId);
      const all = await target.s3.send(new ListMultipartUploadsCommand({ Bucket }));
      assert.deepEqual(
        all.Uploads?.map(({ Key, UploadId }) => [Key, UploadId]),
        keys.map((key, i) => [key, begun[i]]),
      );
      assert.ok(
        all.Uploads?.every(
          (upload) => upload.Initiated instanceof Date && upload.StorageClass === "STANDARD",
        ),
      );
      const folded = await target.s3.send(new ListMultipartUploadsCommand({ Bucket, Delimiter: "/" }));
      assert.deepEqual(folded.CommonPrefixes, [{ Prefix: "a/" }]);
      assert.equal(folded.Uploads?.length, 3);
      const under = await target.s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: "a/" }));
      assert.equal(under.Uploads?.length, 2);
      const listed: string[] = [];
      for (let marker: { KeyMarker?: string; UploadIdMarker?: string } = {}; ; ) {
        const page = await target.s3.send(
          new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1, ...marker }),
        );
        for (const { UploadId = "" } of page.Uploads ?? []) listed.push(UploadId);
        if (page.IsTruncated !== true) break;
        marker = { KeyMarker: page.NextKeyMarker ?? "", UploadIdMarker: page.NextUploadIdMarker ?? "" };
      }
      assert.deepEqual(listed, begun);
      const encoded = await target.raw({ path: `/${Bucket}`, query: "encoding-type=url&prefix=c&uploads" });
      assert.match(encoded.text, /<Key>c(?:%20|\+)d<\/Key>/);
    }),
    works("the checksum an upload was made with", async (target) => {
      const Bucket = await target.newBucket();
      await beginUpload(target, {
        Bucket,
        Key: "k",
        ChecksumAlgorithm: "CRC32C",
        ChecksumType: "FULL_OBJECT",
      });
      const { Uploads } = await target.s3.send(new ListMultipartUploadsCommand({ Bucket }));
      assert.deepEqual(
        [Uploads?.[0]?.ChecksumAlgorithm, Uploads?.[0]?.ChecksumType],
        ["CRC32C", "FULL_OBJECT"],
      );
    }),
    refuses("max-uploads that is none", "400 InvalidArgument", (target) =>
      target.raw({ path: `/${target.bucket}`, query: "max-uploads=x&uploads" }),
    ),
    refuses("a bucket that is not there", "404 NoSuchBucket", (target) =>
      target.s3.send(new ListMultipartUploadsCommand({ Bucket: target.bucketName() })),
    ),
  ],
};
