/** A large tree of real files, and what tells two trees apart. */

import { createHash, randomFillSync } from "node:crypto";
import { createReadStream } from "node:fs";
import { cp, mkdir, open, readdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";

export const filesMin = 10_000;
const bigFileBytes = 2 * 1024 ** 3;

/** This checkout with its installed modules, as often as it takes for `filesMin` files, without symbolic links. */
export async function makeTree(checkout: string, tree: string): Promise<number> {
  let files = 0;
  for (let copy = 1; files < filesMin; copy++) {
    for (const folder of ["node_modules", "packages", "docs", ".git"])
      await cp(join(checkout, folder), join(tree, `copy-${copy}`, folder), {
        recursive: true,
        filter: isWanted,
      });
    await dropLinks(tree);
    files = (await fileNames(tree)).length;
  }
  return files;
}

/** Git's lock files come and go; data directories of running nodes are no input. */
function isWanted(source: string): boolean {
  return !source.endsWith(".lock") && !source.includes(".holdfast");
}

async function dropLinks(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
    if (entry.isSymbolicLink()) await rm(join(entry.parentPath, entry.name));
}

export async function makeBigFile(path: string, bytes: number = bigFileBytes): Promise<void> {
  const file = await open(path, "wx");
  const chunk = Buffer.alloc(16 * 1024 ** 2);
  for (let written = 0; written < bytes; written += chunk.length) await file.write(randomFillSync(chunk));
  await file.close();
}

/** Paths of all regular files below a folder, relative to it, sorted. */
export async function fileNames(folder: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) names.push(relative(folder, join(entry.parentPath, entry.name)));
  return names.sort();
}

/** One digest over all names and contents. */
export async function treeDigest(folder: string): Promise<string> {
  const whole = createHash("sha256");
  for (const name of await fileNames(folder))
    whole.update(`${name}\0${await fileDigest(join(folder, name))}\n`);
  return whole.digest("hex");
}

export async function fileDigest(path: string): Promise<string> {
  const digest = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 ** 2 }))
    digest.update(chunk as Buffer);
  return digest.digest("hex");
}

export async function emptyFolder(path: string): Promise<string> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
  return path;
}
