/** Files on this machine, as sources and targets. */

import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { StoreError } from "@holdfast/base";
import { defaultMode, setAttributes, syncFolder } from "./node-local-attributes.ts";
import { openPartialFile } from "./node-partial-file.ts";
import { temporaryName } from "./node-temporary-name.ts";
import type { LocalFile, LocalFiles, SaveOptions } from "./platform.ts";

const readBytes = 256 * 1024;

export const nodeFiles: LocalFiles = { open: openLocal, save, openPartial: openPartialFile };

/** Opened for each reading anew, so that nothing is held between tries. */
async function openLocal(path: string): Promise<LocalFile> {
  const handle = await open(path, "r").catch((cause: unknown) => {
    throw new StoreError("InvalidArgument", `Cannot read ${path}: ${String(cause)}`, {
      fields: { path },
      cause,
    });
  });
  try {
    const stats = await handle.stat({ bigint: true });
    return {
      bytes: Number(stats.size),
      read: (offset, bytes) => readRange(path, stats, offset, bytes),
      load: (offset, bytes) => loadRange(path, stats, offset, bytes),
    };
  } finally {
    await handle.close();
  }
}

/**
 * Looked at before the first byte and before the last chunk goes out: a file that was written to meanwhile never becomes a mixture
 * of two contents, since whoever takes the slice has not got all of it when this throws.
 */
async function* readRange(
  path: string,
  opened: BigIntStats,
  offset: number,
  bytes: number,
): AsyncGenerator<Uint8Array> {
  const handle = await open(path, "r");
  try {
    await refuseChanged(handle, opened, path);
    for (let done = 0; done < bytes; ) {
      const buffer = new Uint8Array(Math.min(readBytes, bytes - done));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset + done);
      done += bytesRead;
      if (bytesRead === 0 || done === bytes) await refuseChanged(handle, opened, path);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function loadRange(
  path: string,
  opened: BigIntStats,
  offset: number,
  bytes: number,
): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const whole = new Uint8Array(bytes);
    for (let filled = 0; filled < bytes; ) {
      const { bytesRead } = await handle.read(whole, filled, bytes - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    // Behind the last byte: what was changed before it is noticed here, a shorter file too.
    await refuseChanged(handle, opened, path);
    return whole;
  } finally {
    await handle.close();
  }
}

async function refuseChanged(handle: FileHandle, opened: BigIntStats, path: string): Promise<void> {
  const now = await handle.stat({ bigint: true });
  const { dev, ino, size, mtimeNs } = opened;
  if (now.dev === dev && now.ino === ino && now.size === size && now.mtimeNs === mtimeNs) return;
  throw new StoreError("IncompleteBody", `${path} was changed while it was read: store it again.`, {
    fields: { path },
  });
}

/**
 * 1. written beside the target under a name of its own; 2. mode and time; 3. synced, if asked for; 4. renamed over the target; 5. the
 * folder synced, if asked for. A failure before 4 removes what was written; a killed process leaves it, and the old file.
 */
async function save(path: string, chunks: AsyncIterable<Uint8Array>, options: SaveOptions): Promise<void> {
  const temporary = temporaryName(path);
  const mode = options.mode ?? defaultMode();
  const handle = await openIn(temporary, mode);
  try {
    await writeAll(handle, chunks, mode, options);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
  if (options.sync) await syncFolder(dirname(path));
}

/** Folders are made when they turn out to be missing: no table of those that were made. */
async function openIn(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, "wx", mode);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    await mkdir(dirname(path), { recursive: true });
    return open(path, "wx", mode);
  }
}

async function writeAll(
  handle: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  mode: number,
  options: SaveOptions,
): Promise<void> {
  try {
    for await (const chunk of chunks) await handle.writeFile(chunk);
    await setAttributes(handle, { ...options, mode });
    if (options.sync) await handle.sync();
  } finally {
    await handle.close();
  }
}
