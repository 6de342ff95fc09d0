import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkSignatures, concatBytes, equalBytes, utf8 } from "@holdfast/base";
import { simulatedHashing } from "@holdfast/ports/simulated";
import * as fc from "fast-check";
import { AwsChunkedDecoder } from "./aws-chunked.ts";
import { S3Error } from "./s3-error.ts";
import { sha256 } from "./s3-fixture.test.ts";

const scope = { date: "20130524", region: "us-east-1", service: "s3" };
const secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const plainSeed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
const trailerSeed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";

function chain(seedSignature: string): ChunkSignatures {
  return new ChunkSignatures({ scope, timestamp: "20130524T000000Z", seedSignature, secretKey, sha256 });
}

interface Form {
  readonly signed: boolean;
  readonly trailer: Readonly<Record<string, string>>;
}

/** The encoder that clients have. */
function encodeChunks(chunks: readonly Uint8Array[], { signed, trailer }: Form): Uint8Array {
  const signatures = signed ? chain(plainSeed) : undefined;
  const parts: Uint8Array[] = [];
  for (const chunk of [...chunks.filter((piece) => piece.length > 0), new Uint8Array(0)]) {
    const signature = signatures === undefined ? "" : `;chunk-signature=${signatures.next(sha256(chunk))}`;
    parts.push(utf8(`${chunk.length.toString(16)}${signature}\r\n`), chunk);
    if (chunk.length > 0) parts.push(utf8("\r\n"));
  }
  const lines = Object.entries(trailer).map(([name, value]) => `${name}:${value}`);
  for (const line of lines) parts.push(utf8(`${line}\r\n`));
  if (signatures !== undefined && lines.length > 0) {
    const hashed = sha256(utf8(lines.map((line) => `${line}\n`).join("")));
    parts.push(utf8(`x-amz-trailer-signature:${signatures.trailer(hashed)}\r\n`));
  }
  return concatBytes([...parts, utf8("\r\n")]);
}

interface Decoding {
  readonly signatures?: ChunkSignatures | undefined;
  readonly decodedBytes: number;
  readonly trailerNames?: readonly string[];
}

function decodeChunks(pieces: readonly Uint8Array[], decoding: Decoding) {
  const { signatures, decodedBytes, trailerNames = [] } = decoding;
  const decoder = new AwsChunkedDecoder({
    signatures,
    decodedBytes,
    trailerNames,
    sha256,
    hashing: simulatedHashing,
  });
  const data = concatBytes(pieces.flatMap((piece) => decoder.push(piece)));
  decoder.finish();
  return { data, trailers: decoder.trailers };
}

function refusalCode(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
  return "none";
}

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set(cuts.map((c) => c % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, i) => bytes.subarray(start, at[i] ?? bytes.length));
}

const a = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0x61);

test("the published chunked upload decodes, and with any other signature does not", () => {
  const body = (signature: string): Uint8Array =>
    concatBytes([
      utf8(`10000;chunk-signature=${signature}\r\n`),
      a(65_536),
      utf8("\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"),
      a(1024),
      utf8("\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"),
    ]);
  const first = "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648";
  const decode = (bytes: Uint8Array) =>
    decodeChunks([bytes], { decodedBytes: 66_560, signatures: chain(plainSeed) });
  assert.equal(body(first).length, 66_824);
  assert.ok(equalBytes(decode(body(first)).data, a(66_560)));
  assert.equal(
    refusalCode(() => decode(body(first.replace("ad", "ae")))),
    "SignatureDoesNotMatch",
  );
});

test("the published upload with a signed trailer decodes; a changed trailer is refused", () => {
  const checksum = "sOO8/Q==";
  const body = (value: string): Uint8Array =>
    concatBytes([
      utf8("10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n"),
      a(65_536),
      utf8("\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n"),
      a(1024),
      utf8("\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"),
      utf8(`x-amz-checksum-crc32c:${value}\r\n`),
      utf8(
        "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
      ),
    ]);
  const decode = (bytes: Uint8Array) =>
    decodeChunks([bytes], {
      decodedBytes: 66_560,
      signatures: chain(trailerSeed),
      trailerNames: ["x-amz-checksum-crc32c"],
    });
  assert.equal(decode(body(checksum)).trailers.get("x-amz-checksum-crc32c"), checksum);
  assert.equal(
    refusalCode(() => decode(body("AAAAAA=="))),
    "SignatureDoesNotMatch",
  );
});

const chunkLists = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 });
const cutLists = fc.array(fc.nat(), { maxLength: 12 });
const forms = fc.record({
  signed: fc.boolean(),
  trailer: fc.constantFrom({}, { "x-amz-checksum-crc32": "AAAAAA==" }),
});

function decodingOf({ signed, trailer }: Form, decodedBytes: number): Decoding {
  return {
    decodedBytes,
    signatures: signed ? chain(plainSeed) : undefined,
    trailerNames: Object.keys(trailer),
  };
}

test("what was encoded decodes, however the bytes are cut on the way", () => {
  fc.assert(
    fc.property(chunkLists, forms, cutLists, (chunks, form, cuts) => {
      const whole = concatBytes(chunks.length === 0 ? [new Uint8Array(0)] : chunks);
      const { data, trailers } = decodeChunks(
        cut(encodeChunks(chunks, form), cuts),
        decodingOf(form, whole.length),
      );
      assert.ok(equalBytes(data, whole));
      assert.deepEqual(Object.fromEntries(trailers), form.trailer);
    }),
    { numRuns: 300 },
  );
});

test("a body that ends early is incomplete, wherever it ends", () => {
  const chunks = [utf8("hello"), utf8("world!")];
  for (const signed of [false, true]) {
    for (const trailer of [{}, { "x-amz-checksum-crc32": "AAAAAA==" }]) {
      const body = encodeChunks(chunks, { signed, trailer });
      for (let end = 0; end < body.length; end++) {
        const decode = () => decodeChunks([body.subarray(0, end)], decodingOf({ signed, trailer }, 11));
        assert.equal(refusalCode(decode), "IncompleteBody", `${end} of ${body.length}`);
      }
    }
  }
});

test("one changed byte in a signed body is never accepted with other data", () => {
  const data = utf8("hello world");
  const body = encodeChunks([data], { signed: true, trailer: { "x-amz-checksum-crc32": "AAAAAA==" } });
  for (let i = 0; i < body.length; i++) {
    const changed = body.slice();
    changed[i] = (changed[i] ?? 0) ^ 0x04;
    const code = refusalCode(() => {
      const decoded = decodeChunks(
        [changed],
        decodingOf({ signed: true, trailer: { "x-amz-checksum-crc32": "" } }, data.length),
      );
      assert.ok(equalBytes(decoded.data, data));
    });
    if (i < data.length + 80) assert.notEqual(code, "none", `byte ${i}`);
  }
});

test("malformed framing is refused, each kind with its code", () => {
  const decode = (text: string, decodedBytes = 5, trailerNames: readonly string[] = []) =>
    refusalCode(() => decodeChunks([utf8(text)], { decodedBytes, trailerNames }));
  assert.equal(decode("5\r\nhello\r\n0\r\n\r\n"), "none");
  assert.equal(decode("xyz\r\nhello\r\n0\r\n\r\n"), "InvalidRequest");
  assert.equal(decode("5\nhello\r\n0\r\n\r\n"), "InvalidRequest");
  assert.equal(decode("5\r\nhelloXX0\r\n\r\n"), "InvalidRequest");
  assert.equal(decode(`${"0".repeat(300)}`), "InvalidRequest");
  assert.equal(decode("6\r\nhello!\r\n0\r\n\r\n"), "IncompleteBody");
  assert.equal(decode("4\r\nhell\r\n0\r\n\r\n"), "IncompleteBody");
  assert.equal(decode("5\r\nhello\r\n0\r\nx-other:1\r\n\r\n"), "MalformedTrailerError");
  assert.equal(decode("5\r\nhello\r\n0\r\n\r\n", 5, ["x-amz-checksum-crc32"]), "MalformedTrailerError");
  assert.equal(decode(`5\r\nhello\r\n0\r\n${"y".repeat(5000)}`), "MalformedTrailerError");
  assert.equal(decode(`5\r\nhello\r\n0\r\n${"\r\n".repeat(3000)}`), "MalformedTrailerError");
});

test("trailer lines that end by LF CRLF, as some clients send them, are read", () => {
  const body = utf8("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n");
  const { trailers } = decodeChunks([body], { decodedBytes: 5, trailerNames: ["x-amz-checksum-crc32"] });
  assert.equal(trailers.get("x-amz-checksum-crc32"), "NhCmhg==");
});

test("random bytes are refused by an S3Error, or decode", () => {
  const soup = fc.string({
    unit: fc.constantFrom("0", "5", "a", "\r\n", "\n", ";", ":", "chunk-signature="),
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), soup.map(utf8)), cutLists, fc.boolean(), (bytes, cuts, signed) => {
      refusalCode(() => decodeChunks(cut(bytes, cuts), decodingOf({ signed, trailer: {} }, bytes.length)));
    }),
    { numRuns: 500 },
  );
});
