/**
 * From the names on the command line to the files to copy, one after the other, as folders and listings are read.
 *
 * A folder's content goes below the target, whether the target exists or not; with several sources each goes below the
 * target under its own name.
 */

import { stat } from "node:fs/promises";
import { basename, resolve, sep } from "node:path";
import { StoreError } from "@holdfast/base";
import type { Store } from "@holdfast/client";
import { Failure, systemErrorCode, UsageError } from "../command-line/failure.ts";
import type { Location, RemoteLocation } from "../command-line/location.ts";
import { baseName, fileName, folderPrefix, locationText } from "../command-line/location.ts";
import type { PlannedItem } from "./job.ts";
import { localTarget } from "./local-target.ts";
import type { NameFilter } from "./name-filter.ts";
import { walk } from "./walk.ts";

export interface PlanOptions {
  readonly recursive: boolean;
  readonly followSymlinks: boolean;
  /** Over names below a folder that is copied. */
  readonly filter: NameFilter;
  readonly signal: AbortSignal;
}

export type FileLocation = Exclude<Location, { readonly kind: "stream" }>;

export interface CopyNames {
  readonly sources: readonly FileLocation[];
  readonly target: FileLocation;
}

export async function* planCopy(
  names: CopyNames,
  store: Store,
  options: PlanOptions,
): AsyncGenerator<PlannedItem> {
  const { sources, target } = names;
  const several = sources.length > 1;
  for (const source of sources) {
    try {
      if (source.kind === "local" && target.kind === "remote") {
        yield* planUpload(source.path, target, several, options);
      } else if (source.kind === "remote") {
        yield* planFromStore(source, target, several, store, options);
      } else {
        throw new UsageError("one of source and target lies in the store: name it hf://bucket/key");
      }
    } catch (error) {
      if (!several || error instanceof UsageError || options.signal.aborted) throw error;
      yield { kind: "failed", about: source.kind === "local" ? source.path : locationText(source), error };
    }
  }
}

async function* planUpload(
  path: string,
  target: RemoteLocation,
  several: boolean,
  options: PlanOptions,
): AsyncGenerator<PlannedItem> {
  const found = await stat(path);
  const name = basename(resolve(path));
  const below = folderPrefix(target.key);
  if (!found.isDirectory()) {
    const intoFolder = several || target.key === below;
    const to = { ...target, key: intoFolder ? below + name : target.key };
    yield found.isFile()
      ? { kind: "upload", path, to, bytes: found.size }
      : { kind: "skipped", what: "special", path };
    return;
  }
  if (!options.recursive) throw isFolder(path);
  const prefix = several ? `${below}${name}/` : below;
  for await (const entry of walk(path, options)) {
    if (!options.filter(entry.relative)) continue;
    if (entry.kind === "file")
      yield {
        kind: "upload",
        path: entry.path,
        to: { ...target, key: prefix + entry.relative },
        bytes: undefined,
      };
    else if (entry.kind === "error") yield { kind: "failed", about: entry.path, error: entry.error };
    else yield { kind: "skipped", what: entry.kind, path: entry.path };
  }
}

function isFolder(name: string): Failure {
  return new Failure(`${name} is a folder`, {
    code: "IsFolder",
    next: "give -r to copy it with all that is in it",
  });
}

async function* planFromStore(
  source: RemoteLocation,
  target: FileLocation,
  several: boolean,
  store: Store,
  options: PlanOptions,
): AsyncGenerator<PlannedItem> {
  const below = folderPrefix(source.key);
  if (!options.recursive) {
    if (source.key === below) throw isFolder(locationText(source));
    yield await planSingle(source, target, several);
    return;
  }
  refuseOverlap(source, target);
  const intoName = several ? `${baseName(source.key.replace(/\/$/, "")) || source.bucket}/` : "";
  let count = 0;
  for await (const entry of store.listFiles(fileName({ ...source, key: below }), {
    signal: options.signal,
  })) {
    if (entry.kind !== "file") continue;
    count++;
    const key = entry.name.slice(source.bucket.length + 1);
    const relative = key.slice(below.length);
    if (options.filter(relative))
      yield planListed({ ...source, key }, intoName + relative, entry.bytes, target);
  }
  if (count > 0) return;
  // "-r" before the name of a file is as good as without.
  if (source.key === below)
    throw new StoreError("FileNotFound", `there are no files below ${locationText(source)}`);
  yield await planSingle(source, target, several);
}

async function planSingle(
  source: RemoteLocation,
  target: FileLocation,
  several: boolean,
): Promise<PlannedItem> {
  const name = baseName(source.key);
  if (target.kind === "remote") {
    const below = folderPrefix(target.key);
    const key = several || target.key === below ? below + name : target.key;
    if (key === source.key && target.bucket === source.bucket) {
      throw new UsageError(`${locationText(source)} is both source and target`);
    }
    return { kind: "copy", from: source, to: { ...target, key }, bytes: undefined };
  }
  const into = several || (await isLocalFolder(target.path));
  const path = into ? localTarget(target.path, name) : target.path;
  return { kind: "download", from: source, path, bytes: undefined };
}

function planListed(
  from: RemoteLocation,
  relative: string,
  bytes: number,
  target: FileLocation,
): PlannedItem {
  if (target.kind === "remote") {
    const key = folderPrefix(target.key) + relative;
    return key === ""
      ? { kind: "skipped", what: "special", path: locationText(from) }
      : { kind: "copy", from, to: { ...target, key }, bytes };
  }
  try {
    if (bytes > 0 || !(relative === "" || relative.endsWith("/"))) {
      return { kind: "download", from, path: localTarget(target.path, relative), bytes };
    }
    const folder = relative.slice(0, -1);
    return { kind: "folder", from, path: folder === "" ? target.path : localTarget(target.path, folder) };
  } catch (error) {
    return { kind: "failed", about: locationText(from), error };
  }
}

/** Files copied into what is being listed would be listed, and copied, again and again. */
function refuseOverlap(source: RemoteLocation, target: FileLocation): void {
  if (target.kind !== "remote" || target.bucket !== source.bucket) return;
  if (!folderPrefix(target.key).startsWith(folderPrefix(source.key))) return;
  throw new UsageError(`the target ${locationText(target)} lies in the source ${locationText(source)}`);
}

async function isLocalFolder(path: string): Promise<boolean> {
  if (path.endsWith("/") || path.endsWith(sep)) return true;
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** The size of a file to upload, for totals; 0 for what is gone. */
export async function localBytes(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
