/**
 * Stores a file of which a copy is wanted in any case. When nobody knows what became of a write, the store is asked what it has: the
 * same content, mode and time are as good as an answer. Otherwise the file is stored again, under the condition that nothing
 * changed since that look, and the user is told.
 */

import { StoreError } from "@holdfast/base";
import type { FileInfo, Store, StoredFile, StoreFileOptions } from "@holdfast/client";

export interface SureFile {
  /** `bucket/key`. */
  readonly name: string;
  readonly bytes: number;
  readonly userMetadata: Readonly<Record<string, string>>;
  readonly crc32: () => Promise<number>;
  readonly store: (conditions: Pick<StoreFileOptions, "ifMatch" | "ifNoneMatch">) => Promise<StoredFile>;
  readonly onRepeated: () => void;
}

const repeatsMax = 3;

export async function storeSurely(store: Store, file: SureFile, signal: AbortSignal): Promise<StoredFile> {
  let conditions: Pick<StoreFileOptions, "ifMatch" | "ifNoneMatch"> = {};
  for (let repeats = 0; ; repeats++) {
    try {
      return await file.store(conditions);
    } catch (error) {
      if (!mayHaveHappened(error, repeats) || signal.aborted || repeats >= repeatsMax) throw error;
      const found = await findFile(store, file.name, signal);
      if (found !== undefined && (await isStored(found, file))) return found;
      conditions = found === undefined ? { ifNoneMatch: "*" } : { ifMatch: found.etag };
      file.onRepeated();
    }
  }
}

/** Behind a first try, a condition that fails may be that try's own, late, doing. */
function mayHaveHappened(error: unknown, repeats: number): boolean {
  if (!(error instanceof StoreError)) return false;
  return error.outcome === "unknown" || (repeats > 0 && error.code === "ConditionFailed");
}

async function findFile(store: Store, name: string, signal: AbortSignal): Promise<FileInfo | undefined> {
  try {
    return await store.statFile(name, { signal });
  } catch (error) {
    if (error instanceof StoreError && error.code === "FileNotFound") return undefined;
    throw error;
  }
}

async function isStored(found: FileInfo, file: SureFile): Promise<boolean> {
  if (found.bytes !== file.bytes) return false;
  const names = Object.keys(file.userMetadata);
  if (names.some((name) => found.userMetadata[name] !== file.userMetadata[name])) return false;
  return found.crc32 === (await file.crc32());
}
