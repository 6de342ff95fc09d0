import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { StoreError } from "@holdfast/base";
import type { Files, RequestContext } from "@holdfast/node";
import { parseQuery } from "./query.ts";
import { operationName } from "./request-facts.ts";
import {
  fileInfo,
  gatewayOver,
  presigned,
  recordingFiles,
  signed,
  streamOf,
  unsigned,
} from "./s3-fixture.test.ts";

suite("operation names", () => {
  const named = (method: string, path: string, query = "", isCopy = false): string => {
    const [, bucket = "", key = ""] = path.split("/");
    return operationName({ method, bucket, key, query: parseQuery(query), isCopy });
  };

  test("are AWS's", () => {
    for (const [expected, method, path, query, isCopy] of [
      ["ListBuckets", "GET", "/"],
      ["ListObjects", "GET", "/b", "list-type=2&prefix=a"],
      ["CreateBucket", "PUT", "/b"],
      ["DeleteObjects", "POST", "/b", "delete"],
      ["GetBucketLocation", "GET", "/b", "location"],
      ["GetBucketPolicyStatus", "GET", "/b", "policyStatus"],
      ["ListMultipartUploads", "GET", "/b", "uploads"],
      ["GetObject", "GET", "/b/k", "partNumber=1"],
      ["HeadObject", "HEAD", "/b/k"],
      ["PutObject", "PUT", "/b/k"],
      ["CopyObject", "PUT", "/b/k", "", true],
      ["UploadPart", "PUT", "/b/k", "partNumber=1&uploadId=u"],
      ["UploadPartCopy", "PUT", "/b/k", "partNumber=1&uploadId=u", true],
      ["GetObjectTagging", "GET", "/b/k", "tagging"],
      ["GetObjectLegalHold", "GET", "/b/k", "legal-hold"],
    ] as const)
      assert.equal(named(method, path, query, isCopy), expected);
  });

  test("come from a closed set, whatever a request says", () => {
    const names = new Set<string>();
    for (const method of ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "BREW", "__proto__"])
      for (const path of ["/", "/b", "/b/k"])
        for (const query of ["", "x=y", "made-up", "constructor", "Delete", "policy&delete"])
          names.add(named(method, path, query));
    assert.ok(names.size < 25, [...names].join(", "));
    for (const name of names) assert.match(name, /^[A-Z][A-Za-z]+$/);
  });
});

suite("what an answer says about its request", () => {
  test("all of it, once it is served", async () => {
    const readFile: Files["readFile"] = () => Promise.resolve({ file: fileInfo(3), body: streamOf([]) });
    const answer = await gatewayOver(recordingFiles({ readFile }))(signed({ path: "/photos/a%20b" }));
    assert.deepEqual(
      { ...answer.about },
      {
        operation: "GetObject",
        bucket: "photos",
        key: "a b",
        accessKey: "holdfast",
        code: undefined,
        outcome: undefined,
      },
    );
  });

  test("a failure's code and outcome", async () => {
    const readFile: Files["readFile"] = () => Promise.reject(new StoreError("FileNotFound", "no"));
    const { about } = await gatewayOver(recordingFiles({ readFile }))(signed({ path: "/photos/a" }));
    assert.partialDeepStrictEqual(about, { code: "NoSuchKey", outcome: "not-applied", key: "a" });
  });

  test("an access key only when its signature was right, and never a signature", async () => {
    const forged = [
      signed({ path: "/photos/a", secretKey: "wrong" }),
      presigned({ path: "/photos/a", secretKey: "wrong" }, 60),
      unsigned({ path: "/photos/a" }),
    ];
    for (const request of forged) {
      const { about } = await gatewayOver(recordingFiles())(request);
      assert.partialDeepStrictEqual(about, { operation: "GetObject", bucket: "photos" });
      assert.equal(about?.accessKey, undefined);
      const signature = /[0-9a-f]{64}/.exec(request.headers["authorization"] ?? request.query)?.[0];
      if (signature !== undefined) assert.ok(!JSON.stringify(about).includes(signature));
    }
  });

  test("a request's id goes down to the store, and a client cannot choose it", async () => {
    const seen: RequestContext[] = [];
    const readFile: Files["readFile"] = () => Promise.resolve({ file: fileInfo(3), body: streamOf([]) });
    const files = recordingFiles({ readFile });
    const spying: Files = {
      ...files,
      within: (context) => {
        seen.push(context);
        return files;
      },
    };
    const headers = { "x-amz-request-id": "chosen" };
    const answer = await gatewayOver(spying)(signed({ path: "/photos/a", headers }));
    assert.deepEqual(seen, [{ requestId: "request-1" }]);
    assert.equal(answer.headers["x-amz-request-id"], "request-1");
  });
});
