/** Rot: one bit of what a node has stored turns over. */

import type { FileHandle } from "node:fs/promises";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { KiB } from "@holdfast/base";

const pageBytes = 4 * KiB;
const triesMax = 100;

/** In a page that is not empty, of a file in this folder. False: there is none yet. */
export async function flipBit(folder: string, draw: (count: number) => number): Promise<boolean> {
  const files = await filesWithPages(folder);
  const file = files[draw(Math.max(1, files.length))];
  if (file === undefined) return false;
  const handle = await open(file.path, "r+");
  try {
    for (let tries = 0; tries < triesMax; tries++) {
      // The first page names the file; without it all of it is lost at once, which is another fault.
      const offset = pageBytes * (1 + draw(Math.floor(file.bytes / pageBytes) - 1));
      if (await flipIn(handle, offset, draw)) return true;
    }
    return false;
  } finally {
    await handle.close();
  }
}

async function flipIn(handle: FileHandle, offset: number, draw: (count: number) => number): Promise<boolean> {
  const page = Buffer.alloc(pageBytes);
  const { bytesRead } = await handle.read(page, 0, pageBytes, offset);
  if (bytesRead < pageBytes || page.every((byte) => byte === 0)) return false;
  const at = draw(pageBytes);
  page[at] = (page[at] ?? 0) ^ (1 << draw(8));
  await handle.write(page, at, 1, offset + at);
  await handle.sync();
  return true;
}

async function filesWithPages(
  folder: string,
): Promise<readonly { readonly path: string; readonly bytes: number }[]> {
  const names = await readdir(folder, { recursive: true });
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      return found?.isFile() === true && found.size >= 4 * pageBytes ? [{ path, bytes: found.size }] : [];
    }),
  );
  return files.flat().toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
