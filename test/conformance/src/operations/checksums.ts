/** Every algorithm in every way a client can send it, on whole files and on parts. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { ChecksumAlgorithm } from "@aws-sdk/client-s3";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { emptyPayloadHash, toBase64, utf8 } from "@holdfast/base";
import { nodeHashing } from "@holdfast/host";
import { chunkedBody } from "../aws-chunked.ts";
import type { ConformanceCase, ConformanceOperation } from "../conformance-case.ts";
import { outcomeOf, refuses, works } from "../conformance-case.ts";
import { beginUpload, completeUpload, fullPart, storeTwoParts, uploadPart } from "../multipart.ts";
import type { Target } from "../target.ts";

const algorithms = [
  "CRC32",
  "CRC32C",
  "CRC64NVME",
  "SHA1",
  "SHA256",
] as const satisfies readonly ChecksumAlgorithm[];
type Algorithm = (typeof algorithms)[number];

function checksumOf(algorithm: Algorithm, data: Uint8Array | string): string {
  const bytes = typeof data === "string" ? utf8(data) : data;
  const name = algorithm.toLowerCase() as Lowercase<Algorithm>;
  return toBase64(nodeHashing.hash(name, bytes));
}

const header = (algorithm: Algorithm): string => `x-amz-checksum-${algorithm.toLowerCase()}`;

const body = "what is summed";

async function expectStored(target: Target, key: string, algorithm: Algorithm): Promise<void> {
  const head = await target.head(key, { ChecksumMode: "ENABLED" });
  assert.equal(head[`Checksum${algorithm}`], checksumOf(algorithm, body));
  assert.equal(head.ChecksumType, "FULL_OBJECT");
  assert.equal(await target.text(key), body);
}

function casesOf(algorithm: Algorithm): readonly ConformanceCase[] {
  const name = header(algorithm);
  const wrong = checksumOf(algorithm, "something else");
  return [
    works(`${algorithm} in a header is checked, kept and returned`, async (target) => {
      const key = target.key();
      const headers = { [name]: checksumOf(algorithm, body) };
      const put = await target.raw({ method: "PUT", path: target.path(key), body, headers });
      assert.deepEqual([put.status, put.headers[name]], [200, headers[name]]);
      await expectStored(target, key, algorithm);
    }),
    refuses(`${algorithm} in a header that differs`, "400 BadDigest", (target) =>
      target.raw({ method: "PUT", path: target.path(target.key()), body, headers: { [name]: wrong } }),
    ),
    refuses(`${algorithm} in a header that is none`, "400 InvalidRequest", (target) =>
      target.raw({ method: "PUT", path: target.path(target.key()), body, headers: { [name]: "AAA=" } }),
    ),
    ...[true, false].flatMap((signed) => {
      const form = signed ? "signed" : "unsigned";
      const send = (target: Target, key: string, value: string) =>
        target.raw(chunkedBody(target, { key, body, signed, trailer: { [name]: value } }));
      return [
        works(`${algorithm} in the trailer of ${form} chunks`, async (target) => {
          const key = target.key();
          assert.equal((await send(target, key, checksumOf(algorithm, body))).status, 200);
          await expectStored(target, key, algorithm);
        }),
        refuses(`${algorithm} in the trailer of ${form} chunks that differs`, "400 BadDigest", (target) =>
          send(target, target.key(), wrong),
        ),
      ];
    }),
    works(`${algorithm} by the SDK, in header and trailer`, async (target) => {
      const key = target.key();
      await target.put(key, body, { ChecksumAlgorithm: algorithm });
      await expectStored(target, key, algorithm);
    }),
  ];
}

/** Which whole an algorithm can make of parts; the first is what S3 takes when none is named. */
const types = {
  CRC32: ["COMPOSITE", "FULL_OBJECT"],
  CRC32C: ["COMPOSITE", "FULL_OBJECT"],
  CRC64NVME: ["FULL_OBJECT"],
  SHA1: ["COMPOSITE"],
  SHA256: ["COMPOSITE"],
} as const;

function wholeOf(algorithm: Algorithm, type: "COMPOSITE" | "FULL_OBJECT"): string {
  if (type === "FULL_OBJECT") return checksumOf(algorithm, Buffer.concat([fullPart, Buffer.from("the end")]));
  const parts = [fullPart, "the end"].map((part) => Buffer.from(checksumOf(algorithm, part), "base64"));
  return `${checksumOf(algorithm, Buffer.concat(parts))}-2`;
}

function partCases(algorithm: Algorithm): readonly ConformanceCase[] {
  const possible: readonly string[] = types[algorithm];
  return (["COMPOSITE", "FULL_OBJECT"] as const).map((ChecksumType) => {
    if (!possible.includes(ChecksumType))
      return refuses(`${algorithm} cannot be ${ChecksumType}`, "400 InvalidRequest", (target) =>
        beginUpload(target, { ChecksumAlgorithm: algorithm, ChecksumType }),
      );
    return works(`${algorithm} of parts as ${ChecksumType}`, async (target) => {
      const name = `Checksum${algorithm}` as const;
      const create = { ChecksumAlgorithm: algorithm, ChecksumType };
      const { key, completed, parts } = await storeTwoParts(target, create);
      const whole = wholeOf(algorithm, ChecksumType);
      assert.deepEqual([completed[name], completed.ChecksumType], [whole, ChecksumType]);
      assert.equal(parts[1]?.[name], checksumOf(algorithm, "the end"));
      const head = await target.head(key, { ChecksumMode: "ENABLED" });
      assert.deepEqual([head[name], head.ChecksumType], [whole, ChecksumType]);
      const ask = { Bucket: target.bucket, Key: key, PartNumber: 2, ChecksumMode: "ENABLED" } as const;
      const part = await target.s3.send(new GetObjectCommand(ask));
      assert.equal(part[name], checksumOf(algorithm, "the end"));
      assert.equal(await part.Body?.transformToString(), "the end");
    });
  });
}

const md5 = (text: string): string => createHash("md5").update(text).digest("base64");

function putWith(target: Target, headers: Record<string, string>) {
  return target.raw({ method: "PUT", path: target.path(target.key()), body, headers });
}

const digests: readonly ConformanceCase[] = [
  works("Content-MD5 that holds", async (target) => {
    assert.equal((await putWith(target, { "content-md5": md5(body) })).status, 200);
  }),
  refuses("Content-MD5 that differs", "400 BadDigest", (target) =>
    putWith(target, { "content-md5": md5("other") }),
  ),
  refuses("Content-MD5 that is none", "400 InvalidDigest", (target) =>
    putWith(target, { "content-md5": "abc" }),
  ),
  refuses("Content-MD5 that is empty", "400 InvalidDigest", (target) =>
    putWith(target, { "content-md5": "" }),
  ),
  {
    ...refuses("a checksum of an algorithm that is not known", "501 NotImplemented", (target) =>
      putWith(target, { "x-amz-checksum-sha512": "AAAA" }),
    ),
    needs: "own node",
  },
  refuses("two checksums at once", "400 InvalidRequest", (target) =>
    putWith(target, {
      [header("CRC32")]: checksumOf("CRC32", body),
      [header("SHA1")]: checksumOf("SHA1", body),
    }),
  ),
  refuses("an announced checksum that does not come", "400 InvalidRequest", (target) =>
    putWith(target, { "x-amz-sdk-checksum-algorithm": "CRC32" }),
  ),
  refuses("an announced checksum other than the one that comes", "400 InvalidRequest", (target) =>
    putWith(target, {
      "x-amz-sdk-checksum-algorithm": "SHA1",
      [header("CRC32")]: checksumOf("CRC32", body),
    }),
  ),
  refuses("a payload hash that differs", "400 XAmzContentSHA256Mismatch", (target) =>
    target.raw({ method: "PUT", path: target.path(target.key()), body, payloadHash: emptyPayloadHash }),
  ),
  works("nothing is stored of what was refused", async (target) => {
    const key = await target.stored("before");
    const headers = { "content-md5": md5("other") };
    await target.raw({ method: "PUT", path: target.path(key), body, headers });
    assert.equal(await target.text(key), "before");
  }),
];

const chunks: readonly ConformanceCase[] = [
  works("signed chunks without a trailer", async (target) => {
    const key = target.key();
    assert.equal((await target.raw(chunkedBody(target, { key, body, signed: true }))).status, 200);
    assert.equal(await target.text(key), body);
  }),
  refuses("a chunk with another signature", "403 SignatureDoesNotMatch", (target) =>
    target.raw(chunkedBody(target, { key: target.key(), body, signed: true, damage: "signature" })),
  ),
  refuses("a body shorter than its decoded length", "400 IncompleteBody", (target) =>
    target.raw(
      chunkedBody(target, { key: target.key(), body, signed: false, trailer: {}, damage: "length" }),
    ),
  ),
  refuses("a trailer of an algorithm that is not known", "400 InvalidRequest", (target) => {
    const trailer = { "x-amz-checksum-xxhash64": "AAAAAAAAAAA=" };
    return target.raw(chunkedBody(target, { key: target.key(), body, signed: false, trailer }));
  }),
  refuses("an announced trailer that does not come", "400 MalformedTrailerError", (target) => {
    const trailer = { [header("CRC32")]: checksumOf("CRC32", body) };
    return target.raw(
      chunkedBody(target, { key: target.key(), body, signed: false, trailer, damage: "trailer" }),
    );
  }),
];

const wholes: readonly ConformanceCase[] = [
  works("every file can be held against a checksum, also one that came without", async (target) => {
    const key = target.key();
    await target.raw({ method: "PUT", path: target.path(key), body });
    const head = await target.head(key, { ChecksumMode: "ENABLED" });
    const known = algorithms.filter(
      (algorithm) => head[`Checksum${algorithm}`] === checksumOf(algorithm, body),
    );
    assert.equal(known.length, 1);
    assert.equal((await target.head(key)).ChecksumType, undefined);
  }),
  works("a range has no checksum of the whole", async (target) => {
    const key = await target.stored(body, { ChecksumAlgorithm: "CRC32" });
    const headers = { range: "bytes=0-3", "x-amz-checksum-mode": "ENABLED" };
    const answer = await target.raw({ path: target.path(key), headers });
    assert.equal(answer.headers["x-amz-checksum-crc32"], undefined);
  }),
  works("Complete holds the checksum of the whole against the parts", async (target) => {
    const upload = await beginUpload(target, { ChecksumAlgorithm: "CRC64NVME" });
    const { ETag } = await uploadPart(target, upload, 1, body, { ChecksumAlgorithm: "CRC64NVME" });
    const complete = (ChecksumCRC64NVME: string) =>
      outcomeOf(target, completeUpload(target, upload, [{ PartNumber: 1, ETag }], { ChecksumCRC64NVME }));
    assert.equal(await complete(checksumOf("CRC64NVME", "other")), "400 BadDigest");
    assert.equal(await complete(checksumOf("CRC64NVME", body)), "200");
  }),
  works("Complete holds it against the parts of an upload that named no algorithm, too", async (target) => {
    const path = target.path(target.key());
    const begun = await target.raw({ method: "POST", path, query: "uploads" });
    const query = `uploadId=${/<UploadId>(.*)<\/UploadId>/.exec(begun.text)?.[1] ?? ""}`;
    const part = await target.raw({ method: "PUT", path, query: `partNumber=1&${query}`, body });
    const document = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${String(part.headers["etag"])}</ETag></Part></CompleteMultipartUpload>`;
    const complete = (value: string) => {
      const headers = { [header("CRC32")]: value, "x-amz-checksum-type": "FULL_OBJECT" };
      return outcomeOf(target, target.raw({ method: "POST", path, query, body: document, headers }));
    };
    assert.equal(await complete(checksumOf("CRC32", "other")), "400 BadDigest");
    assert.equal(await complete(checksumOf("CRC32", body)), "200");
  }),
  refuses("Complete with a part's checksum that differs", "400 InvalidPart", async (target) => {
    const upload = await beginUpload(target, { ChecksumAlgorithm: "SHA256" });
    const { ETag } = await uploadPart(target, upload, 1, body, { ChecksumAlgorithm: "SHA256" });
    const ChecksumSHA256 = checksumOf("SHA256", "other");
    return completeUpload(target, upload, [{ PartNumber: 1, ETag, ChecksumSHA256 }]);
  }),
  refuses("Complete of the other checksum type", "400 InvalidRequest", async (target) => {
    const upload = await beginUpload(target, { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" });
    const { ETag } = await uploadPart(target, upload, 1, body, { ChecksumAlgorithm: "CRC32" });
    return completeUpload(target, upload, [{ PartNumber: 1, ETag }], { ChecksumType: "COMPOSITE" });
  }),
  refuses("a part with a checksum of another algorithm", "400 InvalidRequest", async (target) => {
    const upload = await beginUpload(target, { ChecksumAlgorithm: "SHA256" });
    return uploadPart(target, upload, 1, body, { ChecksumAlgorithm: "CRC32" });
  }),
  refuses("an algorithm that is none", "400 InvalidRequest", (target) =>
    target.raw({
      method: "POST",
      path: target.path(target.key()),
      query: "uploads",
      headers: { "x-amz-checksum-algorithm": "ADLER32" },
    }),
  ),
  refuses("a type without an algorithm", "400 InvalidRequest", (target) =>
    target.raw({
      method: "POST",
      path: target.path(target.key()),
      query: "uploads",
      headers: { "x-amz-checksum-type": "COMPOSITE" },
    }),
  ),
];

export const checksums: ConformanceOperation = {
  name: "Checksums",
  supports:
    "CRC32, CRC32C, CRC64NVME, SHA1 and SHA256 in headers and trailers, of files and parts, FULL_OBJECT and COMPOSITE; Content-MD5",
  cases: [...algorithms.flatMap(casesOf), ...algorithms.flatMap(partCases), ...digests, ...chunks, ...wholes],
};
