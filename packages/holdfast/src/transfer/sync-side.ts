/** One side of a sync: what lies below a folder or a prefix, in the order of the store's keys. */

import { stat } from "node:fs/promises";
import type { Store } from "@holdfast/client";
import { Failure, systemErrorCode } from "../command-line/failure.ts";
import { fileName, folderPrefix } from "../command-line/location.ts";
import { attributesOf } from "./file-metadata.ts";
import type { FileLocation } from "./plan.ts";
import { sortedWalk } from "./sorted-walk.ts";

export type SideEntry =
  | SideFile
  /** Not a file that a sync takes: left alone on either side. */
  | {
      readonly kind: "skipped";
      readonly what: "symlink" | "special";
      readonly relative: string;
      readonly path: string;
    }
  /** What lies here is not known. */
  | { readonly kind: "failed"; readonly relative: string; readonly path: string; readonly error: unknown };

export interface SideFile {
  readonly kind: "file";
  readonly relative: string;
  readonly bytes: number;
  /** Of the content, as far as it is known: kept with the file by whoever stored it from a disk. */
  readonly modifiedAtMs: number | undefined;
  /** When the store took it; the same as `modifiedAtMs` for local files. */
  readonly storedAtMs: number;
  /** Of files in the store. */
  readonly etag: string | undefined;
  readonly crc32: number | undefined;
}

export interface SideOptions {
  readonly followSymlinks: boolean;
  readonly signal: AbortSignal;
}

export async function* localSide(folder: string, options: SideOptions): AsyncGenerator<SideEntry> {
  for await (const entry of sortedWalk(folder, options)) {
    const { relative, path } = entry;
    if (entry.kind === "file") {
      const modifiedAtMs = Number(entry.modifiedAtNs) / 1e6;
      const times = { modifiedAtMs, storedAtMs: modifiedAtMs };
      yield { kind: "file", relative, bytes: entry.bytes, ...times, etag: undefined, crc32: undefined };
    } else if (entry.kind === "error") yield { kind: "failed", relative, path, error: entry.error };
    else yield { kind: "skipped", what: entry.kind, relative, path };
  }
}

export async function* remoteSide(
  store: Store,
  place: { readonly bucket: string; readonly key: string },
  options: SideOptions,
): AsyncGenerator<SideEntry> {
  const below = folderPrefix(place.key);
  const { signal } = options;
  const listing = store.listFiles(fileName({ bucket: place.bucket, key: below }), {
    signal,
    userMetadata: true,
  });
  for await (const entry of listing) {
    if (entry.kind !== "file") continue;
    const relative = entry.name.slice(place.bucket.length + 1 + below.length);
    // How some tools keep empty folders: no file.
    if (relative === "" || (relative.endsWith("/") && entry.bytes === 0)) continue;
    const { bytes, etag, crc32, modifiedAtMs: storedAtMs, userMetadata = {} } = entry;
    const seconds = attributesOf(userMetadata).modifiedAtSeconds;
    const modifiedAtMs = seconds === undefined ? undefined : seconds * 1000;
    yield { kind: "file", relative, bytes, modifiedAtMs, storedAtMs, etag, crc32 };
  }
}

/** A source has to be there; a target that is not there yet has no files. */
export async function openSide(
  location: FileLocation,
  role: "source" | "target",
  store: Store,
): Promise<(options: SideOptions) => AsyncIterable<SideEntry>> {
  if (location.kind === "remote") return (options) => remoteSide(store, location, options);
  const { path } = location;
  const found = await stat(path).catch((error: unknown) => {
    if (role === "target" && systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined) return () => noEntries();
  if (!found.isDirectory())
    throw new Failure(`${path} is no folder`, {
      code: "NotFolder",
      next: "sync folders; copy files with cp",
    });
  return (options) => localSide(path, options);
}

async function* noEntries(): AsyncGenerator<SideEntry> {}
