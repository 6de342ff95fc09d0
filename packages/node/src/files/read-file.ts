import type { Awaitable, ContentId } from "@holdfast/base";
import { andThen, contentIdText, crc32Combine, StoreError } from "@holdfast/base";
import { BlockError } from "@holdfast/blocks";
import type { Content, ContentPart, FileVersion } from "@holdfast/namespace";
import type { FetchBlock } from "../content/read-content.ts";
import { readContent } from "../content/read-content.ts";
import { refusal } from "../refusal.ts";
import { contentQuestion, isContentGoneQuestion } from "../shard-reads/content-questions.ts";
import type { FileAndBytes } from "../shard-reads/file-questions.ts";
import { fileQuestion } from "../shard-reads/file-questions.ts";
import { blockFailure, contentGone, isLost } from "./block-failure.ts";
import { checkReadCondition } from "./conditions.ts";
import type { FilesContext, Place } from "./context.ts";
import { locateForRead } from "./context.ts";
import type {
  ByteRange,
  FileInfo,
  FilePartPage,
  FileReading,
  ListFilePartsRequest,
  ReadFileRequest,
  ResolvedRange,
} from "./interface.ts";
import { checkLimit } from "./page-limit.ts";

/** A version and, unless its bytes are inline, the content it names. */
export interface FoundFile {
  readonly version: FileVersion;
  readonly content: Content | undefined;
}

export function statFile(context: FilesContext, request: ReadFileRequest): Awaitable<FileInfo> {
  return andThen(findRequested(context, request), (found) => fileInfo(request, found));
}

export function readFile(context: FilesContext, request: ReadFileRequest): Awaitable<FileReading> {
  return andThen(findRequested(context, request), (found) => {
    const file = fileInfo(request, found);
    return { file, body: bodyOf(context, request, found, file.range) };
  });
}

export async function listFileParts(
  context: FilesContext,
  request: ListFilePartsRequest,
): Promise<FilePartPage> {
  const { bucket, key, afterPart, limit } = request;
  checkLimit(limit);
  const found = await findForRead(context, bucket, key);
  const file = fileInfo({ bucket, key }, found);
  const all = file.partCount === undefined ? [] : (found.content?.parts ?? []);
  const end = afterPart + limit;
  return {
    file,
    parts: all.slice(afterPart, end).map(({ bytes, checksum }, i) => {
      return { part: afterPart + i + 1, bytes, checksum };
    }),
    next: limit > 0 && end < all.length ? end : undefined,
  };
}

/** The version as it is now; for content homed in another shard, read there. */
export function findForRead(context: FilesContext, bucketName: string, key: string): Awaitable<FoundFile> {
  return andThen(locateForRead(context, bucketName, key), (place) =>
    andThen(askForFile(place), (found) => withContent(context, place, existing(place, found))),
  );
}

function askForFile({ shard, bucket, key }: Place): Awaitable<FileAndBytes | undefined> {
  return shard.ask(fileQuestion, { bucket: bucket.id, key });
}

function existing({ key }: Place, found: FileAndBytes | undefined): FileAndBytes {
  if (found !== undefined) return found;
  throw new StoreError("FileNotFound", "The file does not exist.", { fields: { key } });
}

function withContent(
  context: FilesContext,
  place: Place,
  { version, bytes }: FileAndBytes,
): Awaitable<FoundFile> {
  switch (bytes.kind) {
    case "inline":
      return { version, content: undefined };
    case "content":
      return { version, content: bytes.content };
    case "elsewhere":
      return findElsewhere(context, place, version, bytes.content);
    case "lost":
      throw contentMissing(place);
  }
}

async function findElsewhere(
  context: FilesContext,
  place: Place,
  version: FileVersion,
  id: ContentId,
): Promise<FoundFile> {
  const content = await context.shard(id.home).ask(contentQuestion, id);
  if (content !== undefined) return { version, content };
  // Between the two reads the version was replaced, its content died and was forgotten: look again. The same version
  // without its content would be a broken reference.
  const again = existing(place, await askForFile(place));
  if (again.version.version === version.version) throw contentMissing(place);
  return withContent(context, place, again);
}

function contentMissing({ key }: Place): StoreError {
  return new StoreError("DataCorrupt", "The file's content is missing. Run `holdfast fsck`.", {
    fields: { key },
  });
}

function findRequested(context: FilesContext, request: ReadFileRequest): Awaitable<FoundFile> {
  return andThen(findForRead(context, request.bucket, request.key), (found) => {
    checkReadCondition(found.version, request.condition);
    return found;
  });
}

function fileInfo(request: ReadFileRequest, { version, content }: FoundFile): FileInfo {
  const partCount = version.etag.includes("-") ? content?.parts.length : undefined;
  const { range } = request;
  return {
    bucket: request.bucket,
    key: version.key,
    version: String(version.version),
    bytes: version.bytes,
    etag: version.etag,
    checksum: version.checksum,
    modifiedAtMs: version.modifiedAtMs,
    attributes: version.attributes,
    crc32: wholeCrc32(version, content),
    partCount,
    partChecksum:
      range?.kind === "part" && partCount !== undefined
        ? content?.parts[range.part - 1]?.checksum
        : undefined,
    range: resolveRange(version, content, range),
  };
}

export function wholeCrc32(version: FileVersion, content: Content | undefined): number {
  if (version.body.kind === "inline") return version.body.crc32;
  let crc32 = 0;
  for (const part of content?.parts ?? []) crc32 = crc32Combine(crc32, part.crc32, part.bytes);
  return crc32;
}

function resolveRange(
  version: FileVersion,
  content: Content | undefined,
  range: ByteRange | undefined,
): ResolvedRange {
  const { bytes } = version;
  if (range === undefined) return { offset: 0, bytes };
  switch (range.kind) {
    case "from": {
      if (range.first >= bytes) throw invalidRange(bytes);
      const last = Math.min(range.last ?? bytes - 1, bytes - 1);
      return { offset: range.first, bytes: last - range.first + 1 };
    }
    case "suffix": {
      if (range.bytes === 0 || bytes === 0) throw invalidRange(bytes);
      const length = Math.min(range.bytes, bytes);
      return { offset: bytes - length, bytes: length };
    }
    case "part":
      return partRange(version, content, range.part);
  }
}

function partRange(version: FileVersion, content: Content | undefined, number: number): ResolvedRange {
  if (!version.etag.includes("-") || content === undefined) {
    if (number === 1) return { offset: 0, bytes: version.bytes };
    throw invalidRange(version.bytes);
  }
  let offset = 0;
  for (const [i, part] of content.parts.entries()) {
    if (i + 1 === number) return { offset, bytes: part.bytes };
    offset += part.bytes;
  }
  throw invalidRange(version.bytes);
}

function invalidRange(bytes: number): StoreError {
  return new StoreError("InvalidRange", `The range lies outside the file, which has ${bytes} bytes.`, {
    fields: { bytes },
  });
}

/** Exactly the bytes of the range, each block verified; throws rather than ending short. */
export function bodyOf(
  context: FilesContext,
  request: Pick<ReadFileRequest, "bucket" | "signal">,
  { version, content }: FoundFile,
  range: ResolvedRange,
): FileReading["body"] {
  if (version.body.kind === "inline") {
    const { body, crc32 } = version.body;
    if (context.hashing.crc32(body) !== crc32) throw refusal("DataCorrupt", version.key);
    return body.subarray(range.offset, range.offset + range.bytes);
  }
  if (content === undefined) throw new StoreError("Internal", "A version without content.");
  const { frames } = context.blocks;
  const recycle = (chunk: Uint8Array): void => frames.recycle(chunk);
  const source = { fetch: fetchFrom(context, request, content), recycle, readAhead: context.readAhead };
  const damaged = (part: ContentPart): Error =>
    blockFailure(new BlockError("corrupt", `part ${part.number} does not have its checksum`)) as Error;
  return { [Symbol.asyncIterator]: () => readContent(content, range, source, damaged), recycle };
}

function fetchFrom(
  context: FilesContext,
  { bucket, signal }: Pick<ReadFileRequest, "bucket" | "signal">,
  { id: content, redundancy }: Content,
): FetchBlock {
  return async (id) => {
    signal?.throwIfAborted();
    try {
      const block = await context.blocks.read(id, redundancy);
      return { body: block.body, crc32: block.checksum };
    } catch (cause) {
      if (isLost(cause) && (await isDead(context, content))) {
        context.journal.info("reader outlived its content", { bucket, content: contentIdText(content) });
        throw contentGone(cause);
      }
      context.journal.error("block unreadable", { bucket, cause: String(cause) });
      throw blockFailure(cause);
    }
  };
}

/**
 * S6: a reader that loses a block looks again at what the entry named. If that is dead it breaks off, and never goes on
 * with another content's bytes; otherwise the block is missing, or out of reach. Who cannot tell takes it for alive.
 */
async function isDead(context: FilesContext, id: ContentId): Promise<boolean> {
  try {
    return await context.shard(id.home).ask(isContentGoneQuestion, id);
  } catch (error) {
    if (error instanceof StoreError) return false;
    throw error;
  }
}
