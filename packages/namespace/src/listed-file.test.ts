import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, logIndex, UnsupportedVersionError } from "@holdfast/base";
import fc from "fast-check";
import { contentIdOf, inlineFile } from "../test-support/samples.ts";
import { checksumAlgorithms } from "./attributes.ts";
import type { FileVersion } from "./file-version.ts";
import { fileVersionCodec } from "./file-version.ts";
import { listedFile } from "./listed-file.ts";

const optionalText = fc.option(fc.string({ unit: "grapheme" }), { nil: undefined });
const bytes = fc.uint8Array({ maxLength: 40 });
const content = contentIdOf(3, 5, 6);

const fileVersion: fc.Arbitrary<FileVersion> = fc.record({
  key: fc.string({ unit: "grapheme", maxLength: 200 }),
  version: fc.maxSafeNat().map(logIndex),
  bytes: fc.maxSafeNat(),
  etag: fc.string({ maxLength: 40 }),
  modifiedAtMs: fc.maxSafeNat(),
  attributes: fc.record({
    contentType: optionalText,
    contentEncoding: optionalText,
    contentDisposition: optionalText,
    contentLanguage: optionalText,
    cacheControl: optionalText,
    expires: optionalText,
    userMetadata: fc.array(fc.record({ name: fc.string(), value: fc.string({ unit: "grapheme" }) }), {
      maxLength: 3,
    }),
  }),
  checksum: fc.option(
    fc.record({
      algorithm: fc.constantFrom(...checksumAlgorithms),
      scope: fc.constantFrom("full" as const, "composite" as const),
      value: bytes,
    }),
    { nil: undefined },
  ),
  body: fc.oneof(
    fc.record({ kind: fc.constant("inline" as const), body: bytes, crc32: fc.nat() }),
    fc.constant({ kind: "content" as const, content, reference: content }),
  ),
});

test("listed file: what is read for a listing is what the whole version says", () => {
  fc.assert(
    fc.property(fileVersion, (file) => {
      const stored = encode(fileVersionCodec, file);
      const { version: _version, body: _body, ...listed } = decode(fileVersionCodec, stored);
      assert.deepEqual(listedFile(stored), listed);
    }),
  );
});

test("listed file: a newer format is refused like everywhere else", () => {
  const stored = encode(fileVersionCodec, inlineFile("key", "x"));
  stored[0] = 200;
  assert.throws(() => listedFile(stored), UnsupportedVersionError);
});
