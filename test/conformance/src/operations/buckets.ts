import assert from "node:assert/strict";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketLocationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
} from "@aws-sdk/client-s3";
import type { ConformanceOperation } from "../conformance-case.ts";
import { refuses, works } from "../conformance-case.ts";

const location = (name: string): string =>
  `<CreateBucketConfiguration><LocationConstraint>${name}</LocationConstraint></CreateBucketConfiguration>`;

const badNames = [
  "ab",
  "a".repeat(64),
  "Upper",
  "under_score",
  "dash-",
  "-dash",
  "dot..dot",
  "dot.-dash",
  "dash-.dot",
  "192.168.5.4",
] as const;
const goodNames = ["abc", "0digit", "with.dot", "with-dash", "x".repeat(45)] as const;

export const createBucket: ConformanceOperation = {
  name: "CreateBucket",
  supports: "location constraint of the configured region; `x-holdfast-redundancy`",
  cases: [
    works("a new bucket is there, empty, and says where", async (target) => {
      const Bucket = await target.newBucket();
      const { $metadata } = await target.s3.send(new HeadBucketCommand({ Bucket }));
      assert.equal($metadata.httpStatusCode, 200);
    }),
    works("the answer names the bucket as its location", async (target) => {
      const name = target.bucketName();
      const made = await target.raw({ method: "PUT", path: `/${name}` });
      assert.deepEqual([made.status, made.headers["location"]], [200, `/${name}`]);
      await target.s3.send(new DeleteBucketCommand({ Bucket: name }));
    }),
    works("one's own bucket can be created again in us-east-1, and keeps its files", async (target) => {
      const key = await target.stored();
      await target.s3.send(new CreateBucketCommand({ Bucket: target.bucket }));
      assert.equal(await target.text(key), "content");
    }),
    ...goodNames.map((name) =>
      works(`the name "${name}" is taken`, async (target) => {
        const Bucket = `${name}-${target.key("b")}`.slice(0, 63);
        await target.s3.send(new CreateBucketCommand({ Bucket }));
        await target.s3.send(new DeleteBucketCommand({ Bucket }));
      }),
    ),
    ...badNames.map((name) =>
      refuses(`the name "${name}"`, "400 InvalidBucketName", (target) =>
        target.raw({ method: "PUT", path: `/${name}` }),
      ),
    ),
    refuses("a location that is not here", "400 InvalidLocationConstraint", (target) =>
      target.raw({ method: "PUT", path: `/${target.bucketName()}`, body: location("mars-east-1") }),
    ),
    refuses("a configuration that is no XML", "400 MalformedXML", (target) =>
      target.raw({ method: "PUT", path: `/${target.bucketName()}`, body: "<Create" }),
    ),
    refuses("a canned ACL that grants", "400 AccessControlListNotSupported", (target) =>
      target.s3.send(new CreateBucketCommand({ Bucket: target.bucketName(), ACL: "public-read" })),
    ),
    {
      ...refuses("more redundancy than there is", "400 InvalidArgument", (target) =>
        target.raw({
          method: "PUT",
          path: `/${target.bucketName()}`,
          headers: { "x-holdfast-redundancy": "replicas:3" },
        }),
      ),
      needs: "own node",
    },
  ],
};

export const headBucket: ConformanceOperation = {
  name: "HeadBucket",
  supports: "region header; expected owner",
  cases: [
    works("a bucket that is there has its region in a header", async (target) => {
      const { BucketRegion } = await target.s3.send(new HeadBucketCommand({ Bucket: target.bucket }));
      assert.equal(BucketRegion, target.endpoint.region);
    }),
    refuses("a bucket that is not there", "404 NotFound", (target) =>
      target.s3.send(new HeadBucketCommand({ Bucket: target.bucketName() })),
    ),
    refuses("a bucket of another owner than expected", "403 AccessDenied", (target) =>
      target.raw({
        path: `/${target.bucket}`,
        query: "location",
        headers: { "x-amz-expected-bucket-owner": "111122223333" },
      }),
    ),
  ],
};

export const deleteBucket: ConformanceOperation = {
  name: "DeleteBucket",
  supports: "empty buckets",
  cases: [
    works("an empty bucket is gone", async (target) => {
      const Bucket = target.bucketName();
      await target.s3.send(new CreateBucketCommand({ Bucket }));
      const { $metadata } = await target.s3.send(new DeleteBucketCommand({ Bucket }));
      assert.equal($metadata.httpStatusCode, 204);
      await assert.rejects(target.s3.send(new HeadBucketCommand({ Bucket })));
    }),
    refuses("a bucket with files", "409 BucketNotEmpty", async (target) => {
      await target.stored();
      return target.s3.send(new DeleteBucketCommand({ Bucket: target.bucket }));
    }),
    refuses("a bucket that is not there", "404 NoSuchBucket", (target) =>
      target.s3.send(new DeleteBucketCommand({ Bucket: target.bucketName() })),
    ),
  ],
};

export const listBuckets: ConformanceOperation = {
  name: "ListBuckets",
  supports: "prefix, pages (max-buckets, continuation-token), bucket-region",
  cases: [
    works("lists names and dates, by name", async (target) => {
      const { Buckets = [], Owner } = await target.s3.send(new ListBucketsCommand({}));
      const found = Buckets.find(({ Name }) => Name === target.bucket);
      assert.ok(found?.CreationDate instanceof Date && Owner?.ID !== undefined);
      const names = Buckets.map(({ Name = "" }) => Name);
      assert.deepEqual(names, names.toSorted());
    }),
    works("pages of one lead to all, and no further", async (target) => {
      const Prefix = await target.newBucket();
      const more = [`${Prefix}-a`, `${Prefix}-b`];
      for (const Bucket of more) await target.s3.send(new CreateBucketCommand({ Bucket }));
      const listed: string[] = [];
      for (let ContinuationToken: string | undefined; ; ) {
        const ask = { Prefix, MaxBuckets: 1, ContinuationToken };
        const page = await target.s3.send(new ListBucketsCommand(ask));
        assert.deepEqual([page.Prefix, page.Buckets?.length], [Prefix, 1]);
        listed.push(page.Buckets?.[0]?.Name ?? "");
        ContinuationToken = page.ContinuationToken;
        if (ContinuationToken === undefined) break;
      }
      assert.deepEqual(listed, [Prefix, ...more]);
      for (const Bucket of more) await target.s3.send(new DeleteBucketCommand({ Bucket }));
    }),
    works("of another region there are none", async (target) => {
      const { Buckets = [] } = await target.s3.send(new ListBucketsCommand({ BucketRegion: "mars-east-1" }));
      assert.deepEqual(Buckets, []);
    }),
    refuses("a page of none", "400 InvalidArgument", (target) =>
      target.s3.send(new ListBucketsCommand({ MaxBuckets: 0 })),
    ),
    refuses("a token that is none", "400 InvalidArgument", (target) =>
      target.s3.send(new ListBucketsCommand({ MaxBuckets: 1, ContinuationToken: "!!" })),
    ),
    refuses("another method on the service", "405 MethodNotAllowed", (target) =>
      target.raw({ method: "PUT", path: "/" }),
    ),
  ],
};

export const getBucketLocation: ConformanceOperation = {
  name: "GetBucketLocation",
  supports: "yes",
  cases: [
    works("us-east-1 is the empty constraint", async (target) => {
      const { text } = await target.raw({ path: `/${target.bucket}`, query: "location" });
      assert.match(text, /<LocationConstraint[^>]*>(?:<\/LocationConstraint>)?$/);
    }),
    refuses("a bucket that is not there", "404 NoSuchBucket", (target) =>
      target.s3.send(new GetBucketLocationCommand({ Bucket: target.bucketName() })),
    ),
  ],
};
