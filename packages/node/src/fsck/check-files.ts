/** Every version: its own record, and the content that it names (S5). */

import type { ContentId } from "@holdfast/base";
import { contentIdText, equalContentIds, toHex } from "@holdfast/base";
import type { Bucket, Content, FileVersion, WalkedFile } from "@holdfast/namespace";
import { findFile, findInstalledBucket, isReferenceHeld, walkFiles } from "@holdfast/namespace";
import type { StateReader } from "@holdfast/ports";
import { completedEtag } from "../content/completed-digests.ts";
import type { ReferredContent } from "../shard-reads/content-questions.ts";
import { contentQuestion, referredQuestion } from "../shard-reads/content-questions.ts";
import type { ShardReplica } from "../shard-replica.ts";
import { checkPart, widthOf } from "./check-part.ts";
import type { FsckEvent, FsckProblem, ProblemKind } from "./findings.ts";
import type { Inspection } from "./inspection.ts";
import { fileName } from "./name-files.ts";

const filesPerSlice = 100;

interface Fault {
  readonly kind: ProblemKind;
  readonly message: string;
}

export interface FilesWithin {
  readonly bucket: Bucket;
  readonly prefix: string;
}

/** With `within`, the contents' blocks too; otherwise each content is looked at once, in its own stage. */
export async function* checkFiles(
  inspection: Inspection,
  shard: ShardReplica,
  within?: FilesWithin,
): AsyncGenerator<FsckEvent, void, undefined> {
  const range = within === undefined ? undefined : { bucket: within.bucket.id, prefix: within.prefix };
  let from: Uint8Array | undefined;
  do {
    await inspection.pause();
    const state = await shard.read();
    const { items, next } = walkFiles(state, { from, limit: filesPerSlice }, range);
    // What is decided by this shard alone is judged in one run with the slice.
    const local = items.map((file) => judgeRecord(inspection, shard, state, file));
    for (const [i, file] of items.entries()) {
      inspection.files++;
      const fault = local[i] ?? (await judgeContent(inspection, shard, file));
      if (fault !== undefined) yield describe(inspection, file, fault);
      if (within !== undefined) yield* checkBlocks(inspection, file);
    }
    yield inspection.progress("files");
    from = next;
  } while (from !== undefined);
}

function describe(inspection: Inspection, { bucket, version }: WalkedFile, fault: Fault): FsckProblem {
  const content = version.body.kind === "content" ? { content: version.body.content } : {};
  const files = [fileName(inspection.parts.system, bucket, version.key)];
  return inspection.problem(fault.kind, fault.message, { files, ...content });
}

function judgeRecord(
  inspection: Inspection,
  shard: ShardReplica,
  state: StateReader,
  { bucket: id, version }: WalkedFile,
): Fault | undefined {
  if (findInstalledBucket(state, id) === undefined)
    return inconsistent(`Shard ${shard.id} has a file of bucket ${id}, which is not installed there.`);
  const bucket = inspection.bucket(id);
  if (bucket !== undefined && inspection.parts.directory.shardOf(bucket, version.key) !== shard.id)
    return inconsistent(`The file stands in shard ${shard.id}, where nobody looks for it.`);
  const { body } = version;
  if (body.kind === "inline") return judgeInline(inspection, version, body);
  const isCopy = !equalContentIds(body.content, body.reference);
  if (isCopy && !isReferenceHeld(state, body.reference))
    return {
      kind: "version-without-reference",
      message: "The copy is not on record as a holder of its reference.",
    };
  return undefined;
}

function judgeInline(
  { parts: { hashing } }: Inspection,
  version: FileVersion,
  { body, crc32 }: Extract<FileVersion["body"], { readonly kind: "inline" }>,
): Fault | undefined {
  if (body.length !== version.bytes)
    return inconsistent(`The file has ${body.length} bytes, its record says ${version.bytes}.`);
  if (hashing.crc32(body) !== crc32) return inconsistent("The file's bytes do not have their checksum.");
  return toHex(hashing.hash("md5", body)) === version.etag
    ? undefined
    : inconsistent("The file's ETag is not that of its bytes.");
}

async function judgeContent(
  inspection: Inspection,
  shard: ShardReplica,
  file: WalkedFile,
): Promise<Fault | undefined> {
  const { version, bucket } = file;
  if (version.body.kind === "inline") return undefined;
  const { content: id, reference } = version.body;
  const home = inspection.shardOf(id);
  const fault =
    home === undefined
      ? without(id, `names shard ${id.home}, which the cluster does not have`)
      : judgeNamed(inspection, await home.ask(referredQuestion, { ...id, reference }), version, id);
  if (fault === undefined) return undefined;
  // A content dies after the last version that names it is gone: the version that stands now, behind the look at its
  // content, stood then.
  const again = findFile(await shard.read(), bucket, version.key);
  return again?.version === version.version ? fault : undefined;
}

function judgeNamed(
  { parts: { hashing } }: Inspection,
  named: ReferredContent | undefined,
  version: FileVersion,
  id: ContentId,
): Fault | undefined {
  if (named === undefined) return without(id, "is not on record");
  const { content, isReferred } = named;
  if (content.deadSinceMs !== undefined) return without(id, "is dead");
  if (!isReferred)
    return {
      kind: "version-without-reference",
      message: `Content ${contentIdText(id)} does not have the file's version among its references.`,
    };
  if (content.bytes !== version.bytes)
    return inconsistent(`The file's content has ${content.bytes} bytes, its record says ${version.bytes}.`);
  return etagOf(content, version, (md5s) => completedEtag(hashing, md5s)) === version.etag
    ? undefined
    : inconsistent("The file's ETag is not that of its content.");
}

function etagOf(
  { parts }: Content,
  version: FileVersion,
  ofParts: (md5s: readonly Uint8Array[]) => string,
): string {
  const [only] = parts;
  if (!version.etag.includes("-") && only !== undefined && parts.length === 1) return toHex(only.md5);
  return ofParts(parts.map(({ md5 }) => md5));
}

async function* checkBlocks(
  inspection: Inspection,
  { bucket, version }: WalkedFile,
): AsyncGenerator<FsckEvent, void, undefined> {
  if (version.body.kind === "inline") return;
  const { content: id } = version.body;
  const content = await inspection.shardOf(id)?.ask(contentQuestion, id);
  if (content === undefined) return;
  inspection.contents++;
  for (const part of content.parts) {
    const files = [fileName(inspection.parts.system, bucket, version.key)];
    yield* await checkPart(inspection, { content: id, part, width: widthOf(content.redundancy), files });
    yield inspection.progress("files");
  }
}

function without(id: ContentId, what: string): Fault {
  return {
    kind: "version-without-content",
    message: `The file's content ${contentIdText(id)} ${what}: its bytes are lost to readers.`,
  };
}

function inconsistent(message: string): Fault {
  return { kind: "version-inconsistent", message };
}
