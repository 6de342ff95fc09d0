/** One file out of the store. A local file is the old one or the new one, never a part: it is written aside and renamed. */

import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { FileReading } from "@holdfast/client";
import { systemErrorCode } from "../command-line/failure.ts";
import type { RemoteLocation } from "../command-line/location.ts";
import { fileName } from "../command-line/location.ts";
import { attributesOf } from "./file-metadata.ts";
import type { TransferContext } from "./upload.ts";
import { largeBytesMin } from "./upload.ts";

/** Resolves with the file's size. */
export async function downloadFile(
  from: RemoteLocation,
  path: string,
  context: TransferContext,
): Promise<number> {
  const { store, signal } = context;
  const reading = await store.readFile(fileName(from), { signal });
  const save = (): Promise<void> => saveAside(reading, path, context);
  if (reading.info.bytes >= largeBytesMin) await context.large(save);
  else await save();
  // Only the version that was copied.
  if (context.move) await store.deleteFile(fileName(from), { ifMatch: reading.etag, signal });
  return reading.info.bytes;
}

/**
 * 1. written beside the target, under its final mode; 2. times set; 3. renamed. A failure before 3 removes
 * what was written; a killed process leaves it, under a name that tells what it is.
 */
async function saveAside(reading: FileReading, path: string, context: TransferContext): Promise<void> {
  const temporary = join(dirname(path), `.holdfast-${randomBytes(6).toString("hex")}.part`);
  const { mode = 0o666 & ~process.umask(), modifiedAtSeconds } = attributesOf(reading.userMetadata);
  let handle: FileHandle;
  try {
    handle = await openIn(temporary, mode);
  } catch (error) {
    reading.cancel();
    throw error;
  }
  try {
    try {
      await writeAll(reading, handle, context);
      // What the umask took away at the opening.
      if ((mode & process.umask()) !== 0) await handle.chmod(mode);
      const seconds = modifiedAtSeconds ?? reading.info.modifiedAtMs / 1000;
      await handle.utimes(seconds, seconds);
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Folders are made when they turn out to be missing: no table of those that were made. */
async function openIn(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, "wx", mode);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    await mkdir(dirname(path), { recursive: true });
    return open(path, "wx", mode);
  }
}

async function writeAll(reading: FileReading, handle: FileHandle, context: TransferContext): Promise<void> {
  let written = 0;
  for await (const chunk of reading) {
    await handle.writeFile(chunk);
    written += chunk.length;
    context.onBytes(written);
  }
}
