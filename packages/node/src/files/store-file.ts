import type { Awaitable } from "@holdfast/base";
import { andThen, assert, limits, toHex } from "@holdfast/base";
import type { PutBody } from "@holdfast/shard";
import { etagQuestion } from "../shard-reads/file-questions.ts";
import type { Accomplished } from "../writer.ts";
import { foreseeCondition } from "./conditions.ts";
import type { FilesContext, Place } from "./context.ts";
import { locate } from "./context.ts";
import type { StoredFile, StoreFileRequest } from "./interface.ts";
import type { StreamedBody } from "./stream-body.ts";
import { streamBody } from "./stream-body.ts";

export function storeFile(context: FilesContext, request: StoreFileRequest): Awaitable<StoredFile> {
  return andThen(locate(context, request.bucket, request.key), (place) =>
    andThen(foresee(place, request), () => storeAt(context, place, request)),
  );
}

function foresee({ shard, bucket }: Place, { key, condition }: StoreFileRequest): Awaitable<void> {
  if (condition.ifMatch === undefined && condition.ifNoneMatch === undefined) return;
  const asked = shard.ask(etagQuestion, { bucket: bucket.id, key });
  return andThen(asked, (etag) => foreseeCondition(etag, condition));
}

function storeAt(context: FilesContext, place: Place, request: StoreFileRequest): Promise<StoredFile> {
  const options = {
    body: request.body,
    part: 1,
    inlineBytesMax: limits.inlineBytesMax,
    signal: request.signal,
  };
  return streamBody(context, place, options, async (attempt, streamed) => {
    const { bytes, md5, checksum } = streamed.received;
    const result = await place.shard.writer.operateAs(attempt, {
      kind: "putFile",
      bucket: place.bucket.id,
      key: request.key,
      condition: request.condition,
      attributes: request.attributes,
      bytes,
      etag: toHex(md5),
      checksum,
      body: putBody(streamed),
    });
    return { ...storedVersion(result), checksum };
  });
}

function putBody(streamed: StreamedBody): PutBody {
  return streamed.kind === "inline"
    ? { kind: "inline", body: streamed.body, crc32: streamed.received.crc32 }
    : { kind: "streamed", part: streamed.part, evidenceEpoch: streamed.evidenceEpoch };
}

export function storedVersion(result: Accomplished): Omit<StoredFile, "checksum"> {
  assert(result.kind === "stored", `a commit answers "stored", not "${result.kind}"`);
  const { version, bytes, etag, modifiedAtMs } = result;
  return { version: String(version), bytes, etag, modifiedAtMs };
}
