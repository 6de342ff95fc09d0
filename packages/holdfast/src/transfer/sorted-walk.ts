/**
 * The files below a folder in the order in which the store lists their keys, so that both can be merged. A folder sorts as its name
 * with "/" behind it, which is where its files' keys lie: "a-b" comes before "a/c", though "a" comes before "a-b".
 *
 * Memory: a folder's names are sorted in batches. One with more than two batches of names is read again for each batch, and the
 * smallest names behind the last one are kept: slower than one sort, but no folder is too large.
 */

import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { compareKeys } from "./key-order.ts";
import { isUnfinished } from "./unfinished.ts";
import type { WalkOptions } from "./walk.ts";

export type SortedEntry =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly relative: string;
      readonly bytes: number;
      readonly modifiedAtNs: bigint;
    }
  | { readonly kind: "symlink" | "special"; readonly path: string; readonly relative: string }
  /** Could not be read. What lies below it is not known. */
  | { readonly kind: "error"; readonly path: string; readonly relative: string; readonly error: unknown };

export interface SortedWalkOptions extends WalkOptions {
  /** Names sorted at once. */
  readonly batchNames?: number;
}

export async function* sortedWalk(root: string, options: SortedWalkOptions): AsyncGenerator<SortedEntry> {
  yield* walkFolder({ path: root, relative: "", ancestors: [] }, options);
}

interface Folder {
  readonly path: string;
  readonly relative: string;
  /** Identities of the folders above, to notice links that lead round in circles. */
  readonly ancestors: readonly string[];
}

async function* walkFolder(folder: Folder, options: SortedWalkOptions): AsyncGenerator<SortedEntry> {
  let ancestors = folder.ancestors;
  if (options.followSymlinks) {
    const { dev, ino } = await stat(folder.path, { bigint: true });
    const id = `${dev}:${ino}`;
    if (ancestors.includes(id)) {
      yield { kind: "symlink", path: folder.path, relative: folder.relative };
      return;
    }
    ancestors = [...ancestors, id];
  }
  for await (const entry of sortedNames(folder.path, options)) {
    const path = join(folder.path, entry.name);
    const relative = folder.relative === "" ? entry.name : `${folder.relative}/${entry.name}`;
    try {
      if (entry.kind === "folder") yield* walkFolder({ path, relative, ancestors }, options);
      else if (entry.kind === "file") yield await fileEntry(path, relative);
      else yield { kind: entry.kind, path, relative };
    } catch (error) {
      yield { kind: "error", path, relative, error };
    }
  }
}

async function fileEntry(path: string, relative: string): Promise<SortedEntry> {
  const { size, mtimeNs } = await stat(path, { bigint: true });
  return { kind: "file", path, relative, bytes: Number(size), modifiedAtNs: mtimeNs };
}

interface Named {
  readonly name: string;
  readonly kind: "file" | "folder" | "symlink" | "special";
  /** What it is sorted by. */
  readonly order: string;
}

async function* sortedNames(path: string, options: SortedWalkOptions): AsyncGenerator<Named> {
  const { batchNames = 50_000 } = options;
  for (let after: string | undefined; ; ) {
    const { batch, isWhole } = await smallestNames(path, after, batchNames, options);
    yield* batch;
    after = batch.at(-1)?.order;
    if (isWhole || after === undefined) return;
  }
}

/** The first `count` names behind `after`, sorted; whole when there are no more. */
async function smallestNames(
  path: string,
  after: string | undefined,
  count: number,
  options: WalkOptions,
): Promise<{ readonly batch: readonly Named[]; readonly isWhole: boolean }> {
  let found: Named[] = [];
  let isWhole = true;
  const cut = (): void => {
    found.sort((a, b) => compareKeys(a.order, b.order));
    if (found.length <= count) return;
    isWhole = false;
    found = found.slice(0, count);
  };
  for await (const entry of await opendir(path, { bufferSize: 256 })) {
    if (isUnfinished(entry.name)) continue;
    const kind = entry.isSymbolicLink()
      ? await linkKind(join(path, entry.name), options)
      : entry.isFile()
        ? "file"
        : entry.isDirectory()
          ? "folder"
          : "special";
    const order = kind === "folder" ? `${entry.name}/` : entry.name;
    if (after !== undefined && compareKeys(order, after) <= 0) continue;
    found.push({ name: entry.name, kind, order });
    if (found.length >= 2 * count) cut();
  }
  cut();
  return { batch: found, isWhole };
}

async function linkKind(path: string, options: WalkOptions): Promise<Named["kind"]> {
  if (!options.followSymlinks) return "symlink";
  // One that leads nowhere is met again, and reported, when its file is looked at.
  const target = await stat(path).catch(() => undefined);
  if (target === undefined || target.isFile()) return "file";
  return target.isDirectory() ? "folder" : "special";
}
