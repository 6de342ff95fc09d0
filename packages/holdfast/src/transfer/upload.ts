/** One local file into the store, with its mode and modification time. */

import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, stat, unlink } from "node:fs/promises";
import { MiB } from "@holdfast/base";
import type { Content, Store } from "@holdfast/client";
import { Failure } from "../command-line/failure.ts";
import type { RemoteLocation } from "../command-line/location.ts";
import { fileName } from "../command-line/location.ts";
import { contentTypeOf } from "./content-type.ts";
import { metadataOf } from "./file-metadata.ts";

export interface TransferContext {
  readonly store: Store;
  readonly signal: AbortSignal;
  /** Bytes of this file that are on their way or done. */
  readonly onBytes: (bytes: number) => void;
  /** Waits for its turn, if the file is a large one. */
  readonly large: <T>(action: () => Promise<T>) => Promise<T>;
  /** The source goes once the copy is safe. */
  readonly move: boolean;
}

/** Smaller files are read in one go; what it takes to stream would cost more than it saves. */
const wholeBytesMax = 1 * MiB;
export const largeBytesMin: number = 16 * MiB;

/** Resolves with the file's size. */
export async function uploadFile(
  path: string,
  to: RemoteLocation,
  context: TransferContext,
): Promise<number> {
  const { stats, content } = await openSource(path);
  const store = async (): Promise<number> => {
    const stored = await context.store.storeFile(fileName(to), content, {
      userMetadata: metadataOf(stats),
      contentType: contentTypeOf(to.key),
      signal: context.signal,
      onProgress: ({ sentBytes }) => context.onBytes(sentBytes),
    });
    return stored.bytes;
  };
  const bytes = stats.size >= largeBytesMin ? await context.large(store) : await store();
  if (context.move) await removeSource(path, stats);
  return bytes;
}

/** Size, times and content from one open file: a file that is replaced meanwhile gives all of the old or of the new. */
async function openSource(path: string): Promise<{ readonly stats: BigIntStats; readonly content: Content }> {
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
