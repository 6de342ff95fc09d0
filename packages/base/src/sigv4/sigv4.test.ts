import assert from "node:assert/strict";
import { createHmac, hash } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { fromHex, toHex, utf8 } from "../bytes.ts";
import type { SignedAuthorization } from "./authorization.ts";
import { parseAuthorization } from "./authorization.ts";
import type { SignableRequest } from "./canonical-request.ts";
import { canonicalQuery } from "./canonical-request.ts";
import { ChunkSignatures } from "./chunk-signatures.ts";
import { HmacSha256 } from "./hmac-sha256.ts";
import { presignRequest, signRequest } from "./sign-request.ts";
import { emptyPayloadHash, equalInConstantTime, unsignedPayload } from "./signature.ts";
import { recodePath, uriEncode, uriEncodePath } from "./uri-encoding.ts";
import { verifySignature } from "./verify-signature.ts";

// The examples of Amazon's "Signature Calculations for the Authorization Header".
const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(hash("sha256", data, "buffer"));
const credentials = {
  accessKey: "AKIAIOSFODNN7EXAMPLE",
  secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  region: "us-east-1",
  service: "s3",
  wallMs: Date.UTC(2013, 4, 24),
  sha256,
};
const host = "examplebucket.s3.amazonaws.com";

function signatureIn(authorization: string): string {
  return /Signature=([0-9a-f]{64})$/.exec(authorization)?.[1] ?? "";
}

function signed(request: SignableRequest): SignedAuthorization {
  const authorization = parseAuthorization(request);
  assert.ok(authorization.kind === "header" || authorization.kind === "query", JSON.stringify(authorization));
  return authorization;
}

const published = [
  {
    name: "GET with a range",
    request: { method: "GET", path: "/test.txt", query: "", headers: { host, range: "bytes=0-9" } },
    payloadHash: emptyPayloadHash,
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  },
  {
    name: "PUT",
    request: {
      method: "PUT",
      path: "/test%24file.text",
      query: "",
      headers: { host, date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" },
    },
    payloadHash: toHex(sha256(utf8("Welcome to Amazon S3."))),
    signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  },
  {
    name: "GET lifecycle",
    request: { method: "GET", path: "/", query: "lifecycle", headers: { host } },
    payloadHash: emptyPayloadHash,
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  },
  {
    name: "list",
    request: { method: "GET", path: "/", query: "max-keys=2&prefix=J", headers: { host } },
    payloadHash: emptyPayloadHash,
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  },
];

for (const { name, request, payloadHash, signature } of published) {
  test(`the published example is signed as published, and verified: ${name}`, () => {
    const added = signRequest({ ...credentials, ...request, payloadHash });
    assert.equal(signatureIn(added.authorization), signature);
    const sent = { ...request, headers: { ...request.headers, ...added } };
    const authorization = signed(sent);
    assert.equal(authorization.accessKey, credentials.accessKey);
    assert.equal(verifySignature({ request: sent, authorization, payloadHash, ...credentials }), true);
  });
}

test("the published presigned URL is made as published, and verified", () => {
  const request = { method: "GET", path: "/test.txt", query: "", headers: { host } };
  const query = presignRequest({ ...credentials, ...request, expiresSeconds: 86_400 });
  assert.ok(
    query.endsWith("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"),
    query,
  );
  const authorization = signed({ ...request, query });
  assert.equal(authorization.kind, "query");
  assert.equal(authorization.expiresSeconds, 86_400);
  const input = { authorization, payloadHash: unsignedPayload, ...credentials };
  assert.equal(verifySignature({ request: { ...request, query }, ...input }), true);
  assert.equal(verifySignature({ request: { ...request, query: `${query}&a=b` }, ...input }), false);
});

const chunkExample = {
  timestamp: "20130524T000000Z",
  scope: { date: "20130524", region: "us-east-1", service: "s3" },
  secretKey: credentials.secretKey,
  sha256,
};
const a65536 = new Uint8Array(65_536).fill(0x61);

test("the published chunked upload has the published signatures", () => {
  const headers = {
    host: "s3.amazonaws.com",
    "content-encoding": "aws-chunked",
    "content-length": "66824",
    "x-amz-decoded-content-length": "66560",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
  };
  const request = { method: "PUT", path: "/examplebucket/chunkObject.txt", query: "", headers };
  const { authorization } = signRequest({
    ...credentials,
    ...request,
    payloadHash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  });
  const seedSignature = signatureIn(authorization);
  assert.equal(seedSignature, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  const chain = new ChunkSignatures({ ...chunkExample, seedSignature });
  assert.equal(
    chain.next(sha256(a65536)),
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
  );
  assert.equal(
    chain.next(sha256(a65536.subarray(0, 1024))),
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
  );
  assert.equal(
    chain.next(sha256(new Uint8Array(0))),
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
  );
});

test("the published chunked upload with a trailer has the published signatures", () => {
  const seedSignature = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
  const chain = new ChunkSignatures({ ...chunkExample, seedSignature });
  assert.equal(
    chain.next(sha256(a65536)),
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
  );
  assert.equal(
    chain.next(sha256(a65536.subarray(0, 1024))),
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
  );
  assert.equal(
    chain.next(sha256(new Uint8Array(0))),
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
  );
  assert.equal(
    chain.trailer(sha256(utf8("x-amz-checksum-crc32c:sOO8/Q==\n"))),
    "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
  );
});

test("HMAC-SHA256 equals the platform's, for keys and messages of every size", () => {
  const sizes = fc.uint8Array({ maxLength: 1500 });
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      sizes,
      fc.string({ unit: "grapheme", maxLength: 600 }),
      (key, message, text) => {
        const hmac = new HmacSha256(sha256, key);
        const expected = (data: Uint8Array | string): string =>
          createHmac("sha256", key).update(data).digest("hex");
        assert.equal(toHex(hmac.sign(message)), expected(message));
        assert.equal(hmac.signTextToHex(text), expected(text));
        assert.equal(toHex(hmac.sign(message)), expected(message));
      },
    ),
  );
});

test("what is signed verifies, and stops to verify when anything signed changes", () => {
  const word = fc.string({ unit: fc.constantFrom(...Array.from("abcZ09-._~ /+%&=ü漢(")), maxLength: 12 });
  fc.assert(
    fc.property(word, fc.array(fc.tuple(word, word), { maxLength: 4 }), word, (name, pairs, value) => {
      const query = pairs.map(([key, text]) => `${uriEncode(key)}=${uriEncode(text)}`).join("&");
      const path = `/bucket/${uriEncodePath(name)}`;
      const request = { method: "PUT", path, query, headers: { host: "h:9000", "x-amz-meta-a": value } };
      const added = signRequest({ ...credentials, ...request, payloadHash: unsignedPayload });
      const sent = { ...request, headers: { ...request.headers, ...added } };
      const authorization = signed(sent);
      const verify = (changed: Partial<SignableRequest>, payloadHash: string = unsignedPayload): boolean =>
        verifySignature({ request: { ...sent, ...changed }, authorization, payloadHash, ...credentials });
      assert.equal(verify({}), true);
      assert.equal(verify({ method: "GET" }), false);
      assert.equal(verify({ path: `${path}x` }), false);
      assert.equal(verify({ query: query === "" ? "x=1" : `${query}&x=1` }), false);
      assert.equal(verify({ headers: { ...sent.headers, "x-amz-meta-a": `${value}x` } }), false);
      assert.equal(verify({}, emptyPayloadHash), false);
    }),
  );
});

test("spellings of one path or query have one canonical form", () => {
  assert.equal(recodePath("/b/a%2fb%41(c)//../x+y%20z"), "/b/a%2FbA%28c%29//../x%2By%20z");
  assert.equal(canonicalQuery("b=2&a&c=x+y&b=1&a=%7e"), "a=&a=~&b=1&b=2&c=x%20y");
  assert.equal(canonicalQuery("prefix=&&X-Amz-Signature=1&uploads"), "prefix=&uploads=");
  assert.equal(uriEncode("a/ü\u{1f600}*"), "a%2F%C3%BC%F0%9F%98%80%2A");
});

test("header values are trimmed and inner spaces collapse", () => {
  const request = { method: "GET", path: "/", query: "", headers: { host, "x-amz-meta-a": "  a   b  " } };
  const spaced = signRequest({ ...credentials, ...request, payloadHash: unsignedPayload });
  const headers = { host, "x-amz-meta-a": "a b" };
  const plain = signRequest({ ...credentials, ...request, headers, payloadHash: unsignedPayload });
  assert.equal(spaced.authorization, plain.authorization);
});

const scoped = "Credential=K/E/Y/20130524/us-east-1/s3/aws4_request";
const hex64 = "0".repeat(64);

test("an authorization of a client that came before reads as that of a new one", () => {
  const other = "f".repeat(64);
  const known = `AWS4-HMAC-SHA256 ${scoped}, SignedHeaders=host;x-amz-date, Signature=${hex64}`;
  const dates = { "x-amz-date": "20130524T000000Z" };
  const read = (authorization: string, headers: Record<string, string> = dates) =>
    parseAuthorization({ method: "GET", path: "/", query: "", headers: { host, authorization, ...headers } });
  const first = read(known);
  assert.equal(first.kind, "header");
  assert.deepEqual(read(known), first);
  assert.deepEqual(read(known.replace(hex64, other)), { ...first, signature: other });
  const later = { "x-amz-date": "20130524T000001Z" };
  assert.deepEqual(read(known, later), {
    ...first,
    timestamp: later["x-amz-date"],
    timestampMs: Date.UTC(2013, 4, 24, 0, 0, 1),
  });
  assert.equal(read(known, { "x-amz-date": "20130525T000000Z" }).kind, "malformed");
  assert.equal(read(known, {}).kind, "malformed");
  for (const signature of [`${hex64}0`, `${hex64},`, hex64.slice(1), "x".repeat(64)])
    assert.equal(read(known.replace(hex64, signature)).kind, "malformed", signature);
});

test("what only ends like a signature is not taken for one", () => {
  const other = "f".repeat(64);
  const text = `AWS4-HMAC-SHA256 ${scoped},SignedHeaders=host,Signature=${hex64},XSignature=`;
  const dates = { "x-amz-date": "20130524T000000Z" };
  for (const behind of [hex64, other, hex64]) {
    const headers = { host, authorization: text + behind, ...dates };
    const read = parseAuthorization({ method: "GET", path: "/", query: "", headers });
    assert.equal(read.kind === "header" ? read.signature : read.kind, hex64);
  }
});

test("an authorization is read whatever the spacing, with slashes in the key", () => {
  const request = (
    authorization: string,
    extra: Record<string, string> = { "x-amz-date": "20130524T000000Z" },
  ) =>
    parseAuthorization({ method: "GET", path: "/", query: "", headers: { host, authorization, ...extra } });
  const text = `AWS4-HMAC-SHA256 ${scoped}, SignedHeaders=host;x-amz-date,Signature=${hex64}`;
  const read = request(text);
  assert.equal(read.kind === "header" ? read.accessKey : read.kind, "K/E/Y");
  assert.equal(request(text, { date: "Fri, 24 May 2013 00:00:00 GMT" }).kind, "header");
  assert.equal(request(text, {}).kind, "malformed");
  assert.equal(request(text, { "x-amz-date": "20130525T000000Z" }).kind, "malformed");
  assert.equal(request(text.replace("host;", "")).kind, "malformed");
  assert.equal(request(text.replace(hex64, "00")).kind, "malformed");
  assert.equal(request("AWS4-HMAC-SHA256 nonsense").kind, "malformed");
  const old = request("AWS key:signature");
  assert.equal(old.kind === "malformed" ? old.problem : old.kind, "unsupported");
});

test("a presigned query is read, and its faults are named", () => {
  const good = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=K%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=${hex64}`;
  const read = (query: string, headers: Record<string, string> = { host }) =>
    parseAuthorization({ method: "GET", path: "/", query, headers });
  assert.equal(read(good).kind, "query");
  for (const [from, to] of [
    ["Expires=60", "Expires=604801"],
    ["Expires=60", "Expires=0"],
    ["Expires=60", "Expires=x"],
    ["HMAC-SHA256", "ECDSA-P256-SHA256"],
    ["Date=2013", "Date=2o13"],
    ["SignedHeaders=host", "SignedHeaders=range"],
  ] as const) {
    assert.equal(read(good.replace(from, to)).kind, "malformed", to);
  }
  const both = read(good, { host, authorization: "AWS4-HMAC-SHA256 x" });
  assert.equal(both.kind === "malformed" ? both.problem : both.kind, "both-forms");
  assert.equal(read("AWSAccessKeyId=K&Signature=s&Expires=1").kind, "malformed");
  assert.equal(read("prefix=X-Amz-").kind, "anonymous");
});

test("no text makes parsing throw", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (authorization, query) => {
      parseAuthorization({ method: "GET", path: "/", query: `X-Amz-Algorithm=${query}`, headers: {} });
      const headers = { authorization: `AWS4-HMAC-SHA256 ${authorization}` };
      assert.equal(parseAuthorization({ method: "GET", path: "/", query: "", headers }).kind, "malformed");
    }),
  );
});

test("the comparison of signatures is exact", () => {
  assert.equal(equalInConstantTime(hex64, hex64), true);
  assert.equal(equalInConstantTime(hex64, `${hex64.slice(1)}1`), false);
  assert.equal(equalInConstantTime(hex64, ""), false);
  assert.equal(equalInConstantTime("", hex64), false);
  assert.equal(fromHex(hex64)?.length, 32);
});
