/** Files on this machine, as sources and targets. */

import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { StoreError } from "@holdfast/base";
import type { LocalFile, LocalFiles } from "./platform.ts";

const readBytes = 256 * 1024;

export const nodeFiles: LocalFiles = { open: openLocal, save };

/** Opened for each reading anew, so that nothing is held between tries. */
async function openLocal(path: string): Promise<LocalFile> {
  const handle = await open(path, "r").catch((cause: unknown) => {
    throw new StoreError("InvalidArgument", `Cannot read ${path}: ${String(cause)}`, {
      fields: { path },
      cause,
    });
  });
  try {
    const { size } = await handle.stat();
    return { bytes: size, read: (offset, bytes) => readRange(path, offset, bytes) };
  } finally {
    await handle.close();
  }
}

async function* readRange(path: string, offset: number, bytes: number): AsyncGenerator<Uint8Array> {
  const handle = await open(path, "r");
  try {
    for (let done = 0; done < bytes; ) {
      const buffer = new Uint8Array(Math.min(readBytes, bytes - done));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset + done);
      if (bytesRead === 0) return;
      done += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/**
 * 1. written beside the target under a name of its own; 2. synced; 3. renamed over it. A crash leaves the old file or the new one
 * (and before step 3 the temporary one).
 */
async function save(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.part`);
  const handle = await open(temporary, "wx");
  try {
    await writeAll(handle, chunks);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
}

async function writeAll(handle: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of chunks) await handle.writeFile(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
