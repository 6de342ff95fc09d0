import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyPayloadHash } from "@holdfast/base";
import type { Sent } from "./s3-fixture.test.ts";
import {
  accessKey,
  bodyText,
  errorCode,
  gatewayOver,
  nowMs,
  presigned,
  recordingFiles,
  signed,
  unsigned,
} from "./s3-fixture.test.ts";

const listing: Sent = { path: "/" };
const gateway = gatewayOver(recordingFiles());
const answerTo = async (request: Parameters<typeof gateway>[0]): Promise<string> =>
  errorCode(await gateway(request));
const minuteMs = 60_000;

test("a request is refused by what is wrong with its signature", async () => {
  assert.equal(await answerTo(unsigned(listing)), "403 AccessDenied");
  assert.equal(await answerTo(signed({ ...listing, accessKey: "nobody" })), "403 InvalidAccessKeyId");
  assert.equal(await answerTo(signed({ ...listing, secretKey: "wrong" })), "403 SignatureDoesNotMatch");
  assert.equal(
    await answerTo(signed({ ...listing, region: "eu-west-1" })),
    "400 AuthorizationHeaderMalformed",
  );
  const broken = { ...listing, headers: { authorization: "AWS4-HMAC-SHA256 nonsense" } };
  assert.equal(await answerTo(unsigned(broken)), "400 AuthorizationHeaderMalformed");
  const old = { ...listing, headers: { authorization: `AWS ${accessKey}:c2lnbmF0dXJl` } };
  assert.equal(await answerTo(unsigned(old)), "400 InvalidRequest");
});

test("a changed path, query or header invalidates the signature", async () => {
  const request = signed({
    path: "/photos/cat.jpg",
    query: "versionId=null",
    headers: { range: "bytes=0-1" },
  });
  assert.equal(await answerTo({ ...request, path: "/photos/dog.jpg" }), "403 SignatureDoesNotMatch");
  assert.equal(await answerTo({ ...request, query: "" }), "403 SignatureDoesNotMatch");
  const headers = { ...request.headers, range: "bytes=0-2" };
  assert.equal(await answerTo({ ...request, headers }), "403 SignatureDoesNotMatch");
});

test("a signature older or newer than 15 minutes is too skewed", async () => {
  for (const offMs of [-16 * minuteMs, 16 * minuteMs]) {
    assert.equal(
      await answerTo(signed({ ...listing, signedAtMs: nowMs + offMs })),
      "403 RequestTimeTooSkewed",
    );
  }
  for (const offMs of [-15 * minuteMs, 15 * minuteMs]) {
    assert.equal((await gateway(signed({ ...listing, signedAtMs: nowMs + offMs }))).status, 200);
  }
});

test("a presigned URL works until it expires, and not before its time", async () => {
  const at = (signedAtMs: number) => presigned({ ...listing, signedAtMs }, 600);
  assert.equal((await gateway(at(nowMs - 600_000))).status, 200);
  const late = await gateway(at(nowMs - 601_000));
  assert.equal(late.status, 403);
  assert.match(await bodyText(late), /<Code>AccessDenied<\/Code><Message>Request has expired<\/Message>/);
  assert.equal(await answerTo(at(nowMs + 16 * minuteMs)), "403 AccessDenied");
  assert.equal(
    await answerTo({ ...at(nowMs), query: at(nowMs).query.replace("Expires=600", "Expires=604801") }),
    "400 AuthorizationQueryParametersError",
  );
});

test("headers that change what a request means must be signed", async () => {
  const request = signed(listing);
  const headers = { ...request.headers, "x-amz-acl": "private" };
  const answer = await gateway({ ...request, headers });
  assert.match(await bodyText(answer), /<Code>AccessDenied<.*<HeadersNotSigned>x-amz-acl</);
});

test("the payload hash is required, and must be one", async () => {
  const request = signed(listing);
  const { "x-amz-content-sha256": _, ...headers } = request.headers;
  assert.equal(await answerTo({ ...request, headers }), "400 InvalidRequest");
  const put = { method: "PUT", path: "/photos/cat.jpg", body: "meow" };
  assert.equal(await answerTo(signed({ ...put, payloadHash: "abc" })), "400 InvalidArgument");
  assert.equal(
    await answerTo(signed({ ...put, payloadHash: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD" })),
    "501 NotImplemented",
  );
});

test("session tokens belong to another service's keys", async () => {
  assert.equal(
    await answerTo(signed({ ...listing, headers: { "x-amz-security-token": "t" } })),
    "400 InvalidToken",
  );
});

test("parameters of a presigned URL count as the headers they stand for", async () => {
  const files = recordingFiles();
  const put = (query: string) => presigned({ method: "PUT", path: "/photos/a", query, body: "meow" }, 60);
  const answer = await gatewayOver(files)(put("x-amz-meta-colour=red"));
  assert.equal(answer.status, 200);
  const [call] = files.calls;
  const request = call?.request as { attributes: { userMetadata: unknown } } | undefined;
  assert.deepEqual(request?.attributes.userMetadata, [{ name: "colour", value: "red" }]);
  assert.equal(
    await errorCode(await gatewayOver(files)(put("x-amz-acl=public-read"))),
    "400 AccessControlListNotSupported",
  );
  assert.equal((await gatewayOver(files)(put("x-amz-checksum-crc32=AAAAAA%3D%3D"))).status, 200);
});

test("who uses a presigned URL may send the hash of its body, and is held to it", async () => {
  const request = presigned({ method: "PUT", path: "/photos/a", body: "meow" }, 60);
  const headers = { ...request.headers, "x-amz-content-sha256": emptyPayloadHash };
  assert.equal(await answerTo({ ...request, headers }), "400 XAmzContentSHA256Mismatch");
});
