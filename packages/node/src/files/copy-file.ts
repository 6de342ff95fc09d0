/**
 * Copies without moving bytes (S5): the copy refers to the same content. 1. AddReference in the content's home shard,
 * refused if the content is dead; 2. the commit in the destination's shard, naming that reference; 3. the answer.
 * A crash between 1 and 2 leaves a reference whose attempt will close: the collector drops it. A copy that
 * asks for another checksum reads the content between 1 and 2; it stays a reference, since no byte of it changes.
 */

import type { Attempt, ContentId } from "@holdfast/base";
import { assertNever, StoreError } from "@holdfast/base";
import type { FileChecksum } from "@holdfast/namespace";
import type { PutBody } from "@holdfast/shard";
import { bigEndian } from "../content/body-digests.ts";
import { bodyChunks } from "./body-chunks.ts";
import { checkReadCondition } from "./conditions.ts";
import type { FilesContext, Place } from "./context.ts";
import { locate } from "./context.ts";
import type { CopyFileRequest, StoredFile } from "./interface.ts";
import type { FoundFile } from "./read-file.ts";
import { bodyOf, findForRead, wholeCrc32 } from "./read-file.ts";
import { storedVersion } from "./store-file.ts";

/** How often a source that keeps being replaced is read again. */
const triesMax = 10;

export async function copyFile(context: FilesContext, request: CopyFileRequest): Promise<StoredFile> {
  const place = await locate(context, request.bucket, request.key);
  for (let tries = 0; tries < triesMax; tries++) {
    const source = await findForRead(context, request.source.bucket, request.source.key);
    checkReadCondition(source.version, request.source.condition);
    checkSize(source.version.bytes, request.source.bytesMax);
    await context.admission.admit(source.version.body.kind === "inline" ? source.version.bytes : 0);
    const stored = await commitCopy(context, place, request, source);
    if (stored !== undefined) return stored;
  }
  throw new StoreError("Overloaded", "The source is being replaced all the time. Try again in a moment.");
}

/** Undefined when the source's content died meanwhile. */
async function commitCopy(
  context: FilesContext,
  place: Place,
  request: CopyFileRequest,
  source: FoundFile,
): Promise<StoredFile | undefined> {
  const { writer } = place.shard;
  const { version } = source;
  const attempt = writer.begin();
  try {
    const body = await referTo(context, place, attempt, version.body);
    if (body === undefined) return undefined;
    let isProposed = false;
    try {
      // Behind the reference: the content cannot die while it is read.
      const checksum = await copiedChecksum(context, request, source);
      const operation = {
        kind: "putFile",
        bucket: place.bucket.id,
        key: request.key,
        condition: request.condition,
        attributes: request.attributes ?? version.attributes,
        bytes: version.bytes,
        etag: version.etag,
        checksum,
        body,
      } as const;
      isProposed = true;
      return { ...storedVersion(await writer.operateAs(attempt, operation)), checksum };
    } catch (error) {
      const never = !isProposed || (error instanceof StoreError && error.outcome === "not-applied");
      if (never && body.kind === "referenced")
        await dropReference(context, body.content, writer.contentId(attempt));
      throw error;
    }
  } finally {
    writer.close(attempt);
  }
}

/** The source's, unless another is asked for: then all of the source is read, and each block of it verified. */
async function copiedChecksum(
  context: FilesContext,
  { checksumAlgorithm: algorithm, source, signal }: CopyFileRequest,
  found: FoundFile,
): Promise<FileChecksum | undefined> {
  const { version, content } = found;
  const { checksum, bytes } = version;
  if (algorithm === undefined) return checksum;
  if (checksum?.algorithm === algorithm && checksum.scope === "full") return checksum;
  if (algorithm === "crc32")
    return { algorithm, scope: "full", value: bigEndian(wholeCrc32(version, content)) };
  const digest = context.hashing.bulkDigest(algorithm);
  try {
    const body = bodyChunks(bodyOf(context, { bucket: source.bucket, signal }, found, { offset: 0, bytes }));
    for await (const chunk of body) {
      await digest.update(chunk);
      body.recycle?.(chunk);
    }
    return { algorithm, scope: "full", value: await digest.finish() };
  } catch (error) {
    digest.cancel();
    throw error;
  }
}

async function referTo(
  context: FilesContext,
  place: Place,
  attempt: Attempt,
  source: FoundFile["version"]["body"],
): Promise<PutBody | undefined> {
  switch (source.kind) {
    case "inline":
      return source;
    case "content": {
      const home = context.shard(source.content.home);
      const reference = place.shard.writer.contentId(attempt);
      try {
        await home.propose({ kind: "addReference", content: source.content, reference });
      } catch (error) {
        if (error instanceof StoreError && error.code === "FileNotFound") return undefined;
        throw error;
      }
      return { kind: "referenced", content: source.content };
    }
    default:
      return assertNever(source);
  }
}

function checkSize(bytes: number, bytesMax: number | undefined): void {
  if (bytesMax === undefined || bytes <= bytesMax) return;
  throw new StoreError(
    "BodyTooLarge",
    `The source has ${bytes} bytes; at most ${bytesMax} are copied in one request. Copy it in parts.`,
    { fields: { bytes, bytesMax } },
  );
}

async function dropReference(context: FilesContext, content: ContentId, reference: ContentId): Promise<void> {
  await context.shard(content.home).propose({ kind: "dropReferences", drops: [{ content, reference }] });
}
