/**
 * The files below a folder, one after the other, as the folders are read: memory grows with the depth of the tree, not
 * with the number of files.
 */

import type { Dir, Dirent } from "node:fs";
import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { isUnfinished } from "./unfinished.ts";

export interface WalkOptions {
  readonly followSymlinks: boolean;
}

export type WalkEntry =
  | { readonly kind: "file"; readonly path: string; readonly relative: string }
  /** A symbolic link that is not followed, or a socket, pipe or device. */
  | { readonly kind: "symlink" | "special"; readonly path: string; readonly relative: string }
  /** A folder or link that could not be read; the walk goes on behind it. */
  | { readonly kind: "error"; readonly path: string; readonly relative: string; readonly error: unknown };

/** `relative` is below `root`, with "/" between its segments on every system. */
export async function* walk(root: string, options: WalkOptions): AsyncGenerator<WalkEntry> {
  const ancestors = options.followSymlinks ? new Set([await identity(root)]) : new Set<string>();
  yield* walkFolder(await opendir(root, readAhead), root, "", options, ancestors);
}

const readAhead = { bufferSize: 256 };

async function* walkFolder(
  folder: Dir,
  path: string,
  relative: string,
  options: WalkOptions,
  ancestors: Set<string>,
): AsyncGenerator<WalkEntry> {
  for await (const entry of folder) {
    const name = entry.name;
    if (isUnfinished(name)) continue;
    const place = { path: join(path, name), relative: relative === "" ? name : `${relative}/${name}` };
    let kind: EntryKind;
    try {
      kind = await kindOf(entry, place.path, options);
      if (kind === "folder") {
        yield* walkInto(place.path, place.relative, options, ancestors);
        continue;
      }
    } catch (error) {
      yield { kind: "error", ...place, error };
      continue;
    }
    yield { kind, ...place };
  }
}

async function* walkInto(
  path: string,
  relative: string,
  options: WalkOptions,
  ancestors: Set<string>,
): AsyncGenerator<WalkEntry> {
  if (!options.followSymlinks) {
    yield* walkFolder(await opendir(path, readAhead), path, relative, options, ancestors);
    return;
  }
  const id = await identity(path);
  // A link to a folder above leads round in circles.
  if (ancestors.has(id)) {
    yield { kind: "symlink", path, relative };
    return;
  }
  ancestors.add(id);
  try {
    yield* walkFolder(await opendir(path, readAhead), path, relative, options, ancestors);
  } finally {
    ancestors.delete(id);
  }
}

type EntryKind = "file" | "folder" | "symlink" | "special";

async function kindOf(entry: Dirent, path: string, options: WalkOptions): Promise<EntryKind> {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  if (!entry.isSymbolicLink()) return "special";
  if (!options.followSymlinks) return "symlink";
  const target = await stat(path);
  if (target.isFile()) return "file";
  return target.isDirectory() ? "folder" : "special";
}

async function identity(path: string): Promise<string> {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev}:${ino}`;
}
