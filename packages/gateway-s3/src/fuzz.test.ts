import assert from "node:assert/strict";
import { test } from "node:test";
import { errorCodes, StoreError, utf8 } from "@holdfast/base";
import type { Files, IncomingBody } from "@holdfast/node";
import * as fc from "fast-check";
import {
  fileInfo,
  gatewayOver,
  recordingFiles,
  signed,
  streamOf,
  takeBody,
  unsigned,
} from "./s3-fixture.test.ts";

const methods = fc.constantFrom("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "", "get");
const ascii = fc.string({ unit: "binary-ascii", maxLength: 12 });
const paths = fc.oneof(
  fc.constantFrom("/", "/b", "/b/", "/b/k", "//", "/%", "/b/%FF", "*", ""),
  fc
    .string({ unit: fc.constantFrom("/", "b", "%", "2", "F", "+", "?", "é", "\u0000"), maxLength: 20 })
    .map((s) => `/${s}`),
);
const parameter = fc.constantFrom(
  ..."uploads uploadId=u partNumber=1 partNumber=x list-type=2 max-keys=0 max-keys=-5 delete acl policy versionId=1".split(
    " ",
  ),
  ..."continuation-token=AA encoding-type=url delimiter=/ prefix=%ff location % X-Amz-Algorithm=a tagging".split(
    " ",
  ),
);
const queries = fc.array(parameter, { maxLength: 4 }).map((list) => list.join("&"));
const names = fc.constantFrom(
  ..."range if-match if-none-match if-range if-modified-since content-md5 x-amz-copy-source x-amz-checksum-crc32".split(
    " ",
  ),
  ..."x-amz-decoded-content-length x-amz-trailer x-amz-sdk-checksum-algorithm x-amz-mp-object-size".split(
    " ",
  ),
  ..."x-amz-metadata-directive x-amz-checksum-type x-amz-meta-a content-encoding content-length x-amz-date".split(
    " ",
  ),
);
const headers = fc.dictionary(
  names,
  fc.oneof(ascii, fc.constantFrom("5", "b/k", "AAAAAA==", "*", "bytes=0-")),
);
const payloads = fc.constantFrom(
  undefined,
  "UNSIGNED-PAYLOAD",
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
);
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc
    .constantFrom(
      "5\r\nhello\r\n0\r\n\r\n",
      "<Delete/>",
      "<Delete><Object><Key>a</Key></Object></Delete>",
      "<",
    )
    .map(utf8),
);

/** A store that reads bodies and then refuses in every way there is, or answers. */
function moodyFiles(mood: number): Files {
  const code = errorCodes[mood % (errorCodes.length + 2)];
  const answer = async (body?: IncomingBody) => {
    if (body !== undefined) await takeBody(body);
    if (code !== undefined) throw new StoreError(code, "no");
    return fileInfo(3);
  };
  return {
    ...recordingFiles(),
    storeFile: ({ body }) => answer(body),
    statFile: () => answer(),
    copyFile: () => answer(),
    completeUpload: () => answer(),
    readFile: async () => ({ file: await answer(), body: streamOf([utf8("abc")]) }),
  };
}

test("whatever comes in, signed or not, an answer goes out", async () => {
  const requests = fc.record({ method: methods, path: paths, query: queries, headers, body: bodies });
  await fc.assert(
    fc.asyncProperty(requests, payloads, fc.boolean(), fc.nat(100), async (sent, payloadHash, sign, mood) => {
      const declared = payloadHash === undefined ? sent : { ...sent, payloadHash };
      const request = sign
        ? signed(declared)
        : unsigned({ ...sent, headers: { ...sent.headers, authorization: "x" } });
      const answer = await gatewayOver(moodyFiles(mood))(request);
      assert.ok(answer.status >= 200 && answer.status < 600);
      if (answer.status >= 500) assert.ok(answer.headers["x-holdfast-outcome"] !== undefined);
      if (request.method === "HEAD") assert.equal(answer.body, undefined);
      for (const [name, value] of Object.entries(answer.headers)) {
        assert.match(`${name}: ${value}`, /^[a-z0-9-]+: [\t\u0020-\u007e\u0080-\u00ff]*$/);
      }
    }),
    { numRuns: 800 },
  );
});

test("a body that breaks off is an answer too", async () => {
  async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
    yield await Promise.resolve(utf8("me"));
    throw new Error("connection reset");
  }
  const request = signed({ method: "PUT", path: "/photos/a", body: "meow", payloadHash: "UNSIGNED-PAYLOAD" });
  const answer = await gatewayOver(recordingFiles())({ ...request, body: broken() });
  assert.equal(answer.status, 500);
});
