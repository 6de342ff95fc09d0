/** What holds for every request: who sends it, how it is addressed, how its body is awaited. */

import assert from "node:assert/strict";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { ConformanceCase, ConformanceOperation } from "../conformance-case.ts";
import { refuses, works } from "../conformance-case.ts";
import type { Target } from "../target.ts";

const hour = 3_600_000;

export const authentication: ConformanceOperation = {
  name: "Authentication (SigV4)",
  supports: "in the header and in presigned URLs; no anonymous access, no session tokens, no SigV2",
  cases: [
    refuses("no signature", "403 AccessDenied", (target) =>
      target.raw({ path: `/${target.bucket}`, sign: "no" }),
    ),
    refuses("a key that is not known", "403 InvalidAccessKeyId", (target) =>
      target.raw({ path: "/", accessKey: "AKIAUNKNOWN" }),
    ),
    refuses("another secret", "403 SignatureDoesNotMatch", (target) =>
      target.raw({ path: "/", secretKey: "wrong" }),
    ),
    refuses("a clock that is an hour behind", "403 RequestTimeTooSkewed", (target) =>
      target.raw({ path: "/", signedAtMs: Date.now() - hour }),
    ),
    refuses("another region", "400 AuthorizationHeaderMalformed", (target) =>
      target.raw({ path: "/", region: "mars-east-1" }),
    ),
    refuses("another service", "400 AuthorizationHeaderMalformed", (target) =>
      target.raw({ path: "/", service: "ec2" }),
    ),
    refuses("a header of no form", "400 AuthorizationHeaderMalformed", (target) =>
      target.raw({
        path: "/",
        sign: "no",
        headers: { authorization: "AWS4-HMAC-SHA256 nonsense", "x-amz-date": "20260101T000000Z" },
      }),
    ),
    refuses("a header that was not signed", "403 AccessDenied", (target) =>
      target.raw({ path: "/", unsignedHeaders: { "x-amz-meta-a": "b" } }),
    ),
    refuses("a session token that nobody gave", "400 InvalidToken", (target) =>
      target.raw({ path: "/", headers: { "x-amz-security-token": "token" } }),
    ),
    refuses("a payload hash that is none", "400 InvalidArgument", (target) =>
      target.raw({ method: "PUT", path: target.path(target.key()), payloadHash: "abc" }),
    ),
  ],
};

export const presignedUrls: ConformanceOperation = {
  name: "Presigned URLs",
  supports: "1 second to 7 days, any method, metadata and checksum mode in the query",
  cases: [
    works("store and read", async (target) => {
      const name = { Bucket: target.bucket, Key: target.key("presigned ü") };
      const put = await fetch(await getSignedUrl(target.s3, new PutObjectCommand(name)), {
        method: "PUT",
        body: "by URL",
      });
      assert.equal(put.status, 200);
      const get = await fetch(await getSignedUrl(target.s3, new GetObjectCommand(name)));
      assert.equal(await get.text(), "by URL");
    }),
    works("response-* parameters are covered", async (target) => {
      const name = { Bucket: target.bucket, Key: await target.stored() };
      const ask = { ...name, ResponseContentDisposition: "attachment; filename=a.txt" };
      const url = await getSignedUrl(target.s3, new GetObjectCommand(ask));
      const answer = await fetch(url);
      assert.equal(answer.headers.get("content-disposition"), "attachment; filename=a.txt");
      assert.equal((await fetch(url.replace("a.txt", "b.txt"))).status, 403);
    }),
    refuses("a URL that has expired", "403 AccessDenied", (target) =>
      target.raw({ path: `/${target.bucket}`, sign: "query", signedAtMs: Date.now() - hour }),
    ),
    refuses("a URL that is not valid yet", "403 AccessDenied", (target) =>
      target.raw({ path: `/${target.bucket}`, sign: "query", signedAtMs: Date.now() + hour }),
    ),
    ...["0", "604801", "x"].map((expires) =>
      refuses(`X-Amz-Expires of ${expires}`, "400 AuthorizationQueryParametersError", (target) =>
        target.raw({
          path: `/${target.bucket}`,
          sign: "no",
          query: `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k%2F20260101%2F${target.endpoint.region}%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=${expires}&X-Amz-SignedHeaders=host&X-Amz-Signature=${"0".repeat(64)}`,
        }),
      ),
    ),
  ],
};

const keys = [
  "with space",
  "plus+plus",
  "percent%20percent",
  "a//b",
  "/leading",
  "trailing/",
  ".",
  "..",
  "a/./b/../c",
  "ä/ö/ü",
  "\u{1f600}",
  "quote\"'<&>",
  "?question#hash&and=equals",
  "tab\tand\nline",
  "b".repeat(1024),
  "é".repeat(512),
] as const;

export const keyNames: ConformanceOperation = {
  name: "Keys",
  supports: "1 to 1,024 bytes of UTF-8, nothing normalized",
  cases: [
    ...keys.map((name) =>
      works(`${JSON.stringify(name.slice(0, 30))} of ${Buffer.byteLength(name)} bytes`, async (target) => {
        const bucket = await target.newBucket();
        const path = target.path(name, bucket);
        assert.equal((await target.raw({ method: "PUT", path, body: name })).status, 200);
        assert.equal(Buffer.from((await target.raw({ path })).bytes).toString(), name);
        const { text } = await target.raw({ path: `/${bucket}`, query: "encoding-type=url&list-type=2" });
        const listed = /<Key>(.*)<\/Key>/s.exec(text)?.[1] ?? "";
        assert.equal(decodeURIComponent(listed.replaceAll("+", " ")), name);
      }),
    ),
    refuses("1,025 bytes", "400 KeyTooLongError", (target) =>
      target.raw({ method: "PUT", path: target.path("k".repeat(1025)), body: "x" }),
    ),
    refuses("a broken percent escape", "400 InvalidURI", (target) =>
      target.raw({ path: `/${target.bucket}/%zz` }),
    ),
    refuses("bytes that are no UTF-8", "400 InvalidURI", (target) =>
      target.raw({ path: `/${target.bucket}/%ff` }),
    ),
  ],
};

/** `Host: bucket.domain:port`; the connection goes where it always goes. */
function onHost(claim: string, path: string, expected: string): ConformanceCase {
  const run = async (target: Target): Promise<void> => {
    const bucket = await target.newBucket();
    await target.s3.send(new PutObjectCommand({ Bucket: bucket, Key: "a/b c", Body: "by host" }));
    const answer = await target.raw({ path, headers: { host: hostOf(target, bucket) } });
    assert.match(Buffer.from(answer.bytes).toString(), new RegExp(expected));
  };
  return { claim, needs: "domain", run };
}

function hostOf({ endpoint }: Target, bucket: string): string {
  return `${bucket}.${endpoint.domain ?? ""}:${new URL(endpoint.url).port}`;
}

export const virtualHosts: ConformanceOperation = {
  name: "Virtual-host style",
  supports: "`bucket.domain`, with or without a port, below the configured domains",
  cases: [
    onHost("a file", "/a/b%20c", "^by host$"),
    onHost("the bucket", "/", "<Key>a/b c</Key>"),
    {
      claim: "a presigned URL",
      needs: "domain",
      run: async (target) => {
        const key = await target.stored("signed for a host");
        const headers = { host: hostOf(target, target.bucket) };
        const answer = await target.raw({ path: `/${key}`, sign: "query", headers });
        assert.equal(Buffer.from(answer.bytes).toString(), "signed for a host");
      },
    },
  ],
};

export const expectContinue: ConformanceOperation = {
  name: "Expect: 100-continue",
  supports: "the body is asked for once headers, signature, bucket and condition are good",
  cases: [
    works("a good request is asked to go on", async (target) => {
      const key = target.key();
      const answer = await target.raw({
        method: "PUT",
        path: target.path(key),
        body: "awaited",
        unsignedHeaders: { expect: "100-continue" },
      });
      assert.deepEqual([answer.status, answer.continued], [200, true]);
      assert.equal(await target.text(key), "awaited");
    }),
    works("what headers decide is refused before the body", async (target) => {
      const key = await target.stored();
      const put = { method: "PUT", path: target.path(key), body: "x".repeat(100) };
      const unsignedHeaders = { expect: "100-continue" };
      const refused = [
        target.raw({ ...put, unsignedHeaders, secretKey: "wrong" }),
        target.raw({ ...put, unsignedHeaders, headers: { "if-none-match": "*" } }),
        target.raw({ ...put, unsignedHeaders, path: `/${target.bucketName()}/a` }),
        target.raw({ ...put, unsignedHeaders, query: "partNumber=1&uploadId=ffffffffffffffff" }),
        target.raw({ ...put, unsignedHeaders, headers: { "content-md5": "abc" } }),
      ];
      const answers = await Promise.all(refused);
      assert.deepEqual(
        answers.map(({ code, continued }) => [code, continued]),
        [
          ["SignatureDoesNotMatch", false],
          ["PreconditionFailed", false],
          ["NoSuchBucket", false],
          ["NoSuchUpload", false],
          ["InvalidDigest", false],
        ],
      );
    }),
  ],
};
