/**
 * What the disk takes when it is given the blocks of large files and nothing else is done: one file, gathered writes of as many
 * blocks as four uploads put into a group, each group synced while the next is being written.
 */

import type { FileHandle } from "node:fs/promises";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MiB } from "@holdfast/base";

const blocksPerGroup = 6;
/** Not the same bytes over and over: blocks of bodies are not in the processor's cache either. */
const groupsInMemory = 4;

/** Bytes a second. */
export async function diskLimit(bytes: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  const file = await open(join(folder, "volume"), "wx");
  try {
    const startedAt = performance.now();
    const written = await writeGroups(file, bytes);
    return written / ((performance.now() - startedAt) / 1000);
  } finally {
    await file.close();
    await rm(folder, { recursive: true });
  }
}

async function writeGroups(file: FileHandle, bytes: number): Promise<number> {
  const groups = Array.from({ length: groupsInMemory }, (_, group) =>
    Array.from({ length: blocksPerGroup }, (_block, i) => new Uint8Array(MiB).fill(group + i)),
  );
  let syncing: Promise<void> = Promise.resolve();
  let written = 0;
  for (let number = 0; written < bytes; number++) {
    await file.writev(groups[number % groupsInMemory] ?? [], written);
    written += blocksPerGroup * MiB;
    await syncing;
    syncing = file.datasync();
  }
  await syncing;
  return written;
}
