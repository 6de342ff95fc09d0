/** Entries that earlier programs wrote: they stand in logs, and are read for ever. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attempt, BucketId, WriterId } from "@holdfast/base";
import {
  attempt,
  branded,
  bucketId,
  byteString,
  concatBytes,
  decode,
  encode,
  epoch,
  integer,
  list,
  optional,
  record,
  text,
  writerId,
} from "@holdfast/base";
import type { ContentPart } from "@holdfast/namespace";
import { contentPartCodec, fileChecksumCodec, unconditional, writeConditionCodec } from "@holdfast/namespace";
import fc from "fast-check";
import type { Operation } from "./command.ts";
import { shardEntryCodec } from "./command.ts";

/** As the fields stood in the log before parts had evidence. */
const putPartBefore = record({
  bucket: branded<BucketId>(),
  key: text,
  upload: integer,
  part: contentPartCodec,
});
const completeUploadBefore = record({
  bucket: branded<BucketId>(),
  key: text,
  upload: integer,
  condition: writeConditionCodec,
  parts: list(record({ number: integer, md5: byteString })),
  etag: text,
  checksum: optional(fileChecksumCodec),
  evidenceEpoch: integer,
});

const number = fc.nat({ max: 2 ** 40 });
const md5 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const word = fc.string({ maxLength: 12 });
/** Decoded records are plain objects. */
const plain = { noNullPrototype: true } as const;
const salts = fc.record({ sequence: number, salt: fc.nat({ max: 0xffff_ffff }) }, plain);
const partFields = {
  number: fc.integer({ min: 1, max: 10_000 }),
  writer: number.map(writerId),
  attempt: number.map(attempt),
  bytes: number,
  blockBytes: fc.integer({ min: 1, max: 2 ** 24 }),
  crc32: fc.nat({ max: 0xffff_ffff }),
  md5,
  checksum: fc.constant(undefined),
  salts: fc.array(salts, { maxLength: 3 }),
} as const;
const parts: fc.Arbitrary<ContentPart> = fc.record(partFields, plain);
const uploads = fc.record({ bucket: number.map(bucketId), key: word, upload: number }, plain);

interface Numbered {
  readonly writer: WriterId;
  readonly attempt: Attempt;
}

/** The bytes of an entry: version 1, time 5, operate, no progress, and the operation under the tag of then. */
function entryBytes({ writer, attempt: by }: Numbered, tag: number, fields: Uint8Array): Uint8Array {
  const head = [encode(integer, writer), encode(integer, by)];
  return concatBytes([Uint8Array.of(1, 5, 3), ...head, Uint8Array.of(0, 0, tag), fields]);
}

function operationIn(bytes: Uint8Array): Operation | undefined {
  const { command } = decode(shardEntryCodec, bytes);
  return command.kind === "operate" ? command.operation : undefined;
}

test("entries: parts that were recorded before they had evidence are read with the only epoch there was", () => {
  fc.assert(
    fc.property(uploads, parts, (upload, part) => {
      const bytes = entryBytes(part, 4, encode(putPartBefore, { ...upload, part }));
      const read = operationIn(bytes);
      assert.deepEqual(read, { kind: "putPart", ...upload, part, evidenceEpoch: epoch(1) });
    }),
  );
});

test("entries: completions that carried an epoch of their own are read without it", () => {
  const one = fc.record({ number: fc.integer({ min: 1, max: 10_000 }), md5 }, plain);
  const listed = fc.array(one, { maxLength: 5 });
  fc.assert(
    fc.property(uploads, parts, listed, word, number, (upload, by, listedParts, etag, evidenceEpoch) => {
      const fields = {
        ...upload,
        condition: unconditional,
        parts: listedParts,
        etag,
        checksum: by.checksum,
      };
      const bytes = entryBytes(by, 5, encode(completeUploadBefore, { ...fields, evidenceEpoch }));
      assert.deepEqual(operationIn(bytes), { kind: "completeUpload", ...fields });
    }),
  );
});

test("entries: what is written today is read as it was", () => {
  fc.assert(
    fc.property(uploads, parts, number, (upload, part, evidence) => {
      const operation = { kind: "putPart", ...upload, part, evidenceEpoch: epoch(evidence) } as const;
      const { writer, attempt: by } = part;
      const progress = { floor: attempt(0), closed: [] };
      const command = { kind: "operate", writer, attempt: by, progress, operation } as const;
      const bytes = encode(shardEntryCodec, { timeMs: 5, command });
      assert.deepEqual(operationIn(bytes), operation);
    }),
  );
});
