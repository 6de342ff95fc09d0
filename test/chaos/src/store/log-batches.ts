/** Where batches lie in the write-ahead log of a node, running or not: by the format as it is written down, not by the node's code. */

import type { FileHandle } from "node:fs/promises";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { KiB } from "@holdfast/base";

/** Its header, then its body. All of it is under a checksum, or is one. */
export interface LogBatch {
  readonly path: string;
  readonly offset: number;
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

const pageBytes = 4 * KiB;
/** Behind two copies of the segment's header. */
const batchesOffset = 2 * pageBytes;
const magic = 0x4846_5742; // "HFWB"
/** Magic, checksum, bytes of the header, bytes of the body. */
const startBytes = 16;

/** The oldest first. Those whose headers turned over are left out; zeros end a segment. */
export async function findBatches(folder: string): Promise<readonly LogBatch[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".wal")).toSorted();
  const found: LogBatch[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const file = await open(path, "r").catch(() => undefined);
    // A segment that is needed no more goes at any time.
    if (file === undefined) continue;
    try {
      await addBatches(found, path, file);
    } finally {
      await file.close();
    }
  }
  return found;
}

async function addBatches(found: LogBatch[], path: string, file: FileHandle): Promise<void> {
  const start = Buffer.alloc(startBytes);
  for (let offset = batchesOffset; ; ) {
    const { bytesRead } = await file.read(start, 0, startBytes, offset);
    if (bytesRead < startBytes || start.every((byte) => byte === 0)) return;
    const [headerBytes, bodyBytes] = [start.readUInt32BE(8), start.readUInt32BE(12)];
    const isBatch = start.readUInt32BE(0) === magic && headerBytes >= startBytes;
    if (isBatch) found.push({ path, offset, headerBytes, bodyBytes });
    offset += isBatch ? Math.ceil((headerBytes + bodyBytes) / pageBytes) * pageBytes : pageBytes;
  }
}
