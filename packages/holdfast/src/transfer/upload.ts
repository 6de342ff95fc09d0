/** One local file into the store, with its mode and modification time. */

import type { BigIntStats } from "node:fs";
import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, stat, unlink } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { MiB } from "@holdfast/base";
import type { StoreFileOptions, UploadResume } from "@holdfast/client";
import { Failure } from "../command-line/failure.ts";
import { printable } from "../command-line/format.ts";
import type { RemoteLocation } from "../command-line/location.ts";
import { fileName, locationText } from "../command-line/location.ts";
import { contentTypeOf } from "./content-type.ts";
import { metadataOf } from "./file-metadata.ts";
import { storeSurely } from "./store-surely.ts";
import type { TransferContext } from "./transfer-context.ts";
import { largeBytesMin } from "./transfer-context.ts";

/** Smaller files are read in one go; what it takes to stream would cost more than it saves. */
const wholeBytesMax = 1 * MiB;

/** Resolves with the file's size. */
export async function uploadFile(
  path: string,
  to: RemoteLocation,
  context: TransferContext,
): Promise<number> {
  const source = await openSource(path);
  const store = (): Promise<number> => storeSource(path, source, to, context);
  const bytes = source.stats.size >= largeBytesMin ? await context.large(store) : await store();
  if (context.move) await removeSource(path, source.stats);
  return bytes;
}

interface OpenedSource {
  readonly stats: BigIntStats;
  readonly content: Uint8Array | { readonly path: string };
}

async function storeSource(
  path: string,
  { stats, content }: OpenedSource,
  to: RemoteLocation,
  context: TransferContext,
): Promise<number> {
  const { store, signal, onlyNew, note } = context;
  const resume = stats.size >= largeBytesMin ? await resumeOf(path, stats, to, context) : undefined;
  const options: StoreFileOptions = {
    userMetadata: metadataOf(stats),
    contentType: contentTypeOf(to.key),
    signal,
    resume,
    onProgress: ({ sentBytes }) => context.onBytes(sentBytes),
  };
  const name = fileName(to);
  if (onlyNew) return (await store.storeFile(name, content, { ...options, ifNoneMatch: "*" })).bytes;
  const file = {
    name,
    bytes: Number(stats.size),
    userMetadata: metadataOf(stats),
    crc32: () => checksumOf(content),
    store: (conditions: Pick<StoreFileOptions, "ifMatch" | "ifNoneMatch">) =>
      store.storeFile(name, content, { ...options, ...conditions }),
    onRepeated: () => note(`${printable(locationText(to))}: no answer came; storing it again`),
  };
  return (await storeSurely(store, file, signal)).bytes;
}

/** Continues what an earlier run left of this file, if it is still the same; without `resume` that is given up. */
async function resumeOf(
  path: string,
  stats: BigIntStats,
  to: RemoteLocation,
  context: TransferContext,
): Promise<UploadResume | undefined> {
  const { uploads, store, endpoint, note } = context;
  // One that cannot be given up now is given up by a later run.
  await uploads
    .dropStale(store, endpoint, ({ source, target }) =>
      note(
        `gave up the upload of ${printable(source)} to ${printable(target)}: nobody continued it for a week`,
      ),
    )
    .catch(() => undefined);
  const place = { endpoint, path, to, stats };
  const found = await uploads.find(place);
  const isGood = found?.isSameFile === true && context.resume;
  if (found !== undefined && !isGood) {
    if (context.resume)
      note(`${printable(path)} was changed since its upload was interrupted: starting over`);
    await store.abortUpload(fileName(to), found.uploadId);
    await uploads.drop(place);
  }
  if (!context.resume) return undefined;
  if (isGood) note(`${printable(path)}: continuing an interrupted upload`);
  return {
    from: isGood ? found : undefined,
    onBegun: (upload) => uploads.keep(place, upload),
    onEnded: () => uploads.drop(place),
  };
}

/** Size, times and content from one open file: a file that is replaced meanwhile gives all of the old or of the new. */
async function openSource(path: string): Promise<OpenedSource> {
  const handle = await open(path, "r");
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw new Failure(`${path} is no regular file`, { code: "NotRegular" });
    return {
      stats,
      content: stats.size <= wholeBytesMax ? await readWhole(handle, Number(stats.size)) : { path },
    };
  } finally {
    await handle.close();
  }
}

/** As long as it was when it was opened: one call more for every file, to see that it ends there, would be felt. */
async function readWhole(handle: FileHandle, bytes: number): Promise<Uint8Array> {
  const whole = new Uint8Array(bytes);
  for (let filled = 0; filled < bytes; ) {
    const { bytesRead } = await handle.read(whole, filled, bytes - filled, filled);
    if (bytesRead === 0)
      throw new Failure("the file became shorter while it was read", {
        code: "SourceChanged",
        next: "copy it again",
      });
    filled += bytesRead;
  }
  return whole;
}

async function checksumOf(content: OpenedSource["content"]): Promise<number> {
  if (content instanceof Uint8Array) return crc32(content);
  let sum = 0;
  const chunks: AsyncIterable<Uint8Array> = createReadStream(content.path, { highWaterMark: MiB });
  for await (const chunk of chunks) sum = crc32(chunk, sum);
  return sum;
}

async function removeSource(path: string, copied: BigIntStats): Promise<void> {
  const now = await stat(path, { bigint: true });
  if (now.ino !== copied.ino || now.size !== copied.size || now.mtimeNs !== copied.mtimeNs) {
    throw new Failure(`${path} was changed while it was copied, and was not removed`, {
      code: "SourceChanged",
      next: "move it again",
    });
  }
  await unlink(path);
}
