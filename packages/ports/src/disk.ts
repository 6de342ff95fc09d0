import type { PageMemory } from "./page-memory.ts";

/**
 * Files of one data directory. Paths are relative to it, separated by "/", without "." and "..".
 *
 * What is durable when: `write` on a file opened with `syncWrites`, and `sync`, make the file's bytes and length
 * durable when they resolve; nothing else does. A file's name (create, rename, remove) is durable only after
 * `syncDirectory` of its folder resolved. After `sync` failed, or a synced write did, what was written since the last
 * success is unknown for ever: never retry it (SAFETY.md S11).
 */
export interface Disk {
  readonly memory: PageMemory;
  open(path: string, mode: OpenMode, options?: OpenOptions): Promise<DiskFile>;
  /** Names in a folder, sorted. */
  list(folder: string): Promise<readonly string[]>;
  /** Makes the folder and those above it, and makes their names durable; fine if it exists. */
  makeFolder(folder: string): Promise<void>;
  /** Replaces `to`, atomically. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncDirectory(folder: string): Promise<void>;
  space(): Promise<DiskSpace>;
  /** Takes the whole data directory for this process; throws DiskError "locked" when another holds it. */
  lock(): Promise<DirectoryLock>;
}

/** `read`: must exist. `write`: must exist, read and write. `create`: must not exist, read and write. */
export type OpenMode = "read" | "write" | "create";

export interface OpenOptions {
  /** Every write is durable when it resolves (O_DSYNC). */
  readonly syncWrites?: boolean;
  /**
   * Whole pages of `memory` that are written at page boundaries go to the disk from where they lie, where the system can, and
   * are not kept in its cache: half the cost of storing much. What is durable when stays the same. Reads may ask for the same.
   */
  readonly pastCache?: boolean;
}

export interface DiskFile {
  readonly path: string;
  /** Up to `length` bytes from `offset`; fewer only at the end of the file. A buffer of the caller's own. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /**
   * As `read`, into memory that the caller leaves alone until it resolves; how many bytes there were. `pastCache`: not to be
   * kept in the system's cache, if the file was opened so and whole pages are read.
   */
  readInto(offset: number, target: Uint8Array, pastCache?: boolean): Promise<number>;
  /**
   * Writes all buffers, one behind the other, from `offset` on. The caller leaves them unchanged until it resolves.
   * On failure any part of them may have been written.
   */
  write(offset: number, buffers: readonly Uint8Array[]): Promise<void>;
  sync(): Promise<void>;
  /** Length in bytes. */
  size(): Promise<number>;
  /** Cuts, or extends by zeros. */
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface DirectoryLock {
  release(): Promise<void>;
}

/** `damaged`: of a key-value store whose structure is not what it wrote. */
export type DiskErrorKind =
  | "not-found"
  | "exists"
  | "no-space"
  | "too-many-files"
  | "locked"
  | "damaged"
  | "io";

/** An expected failure of the disk. */
export class DiskError extends Error {
  override readonly name: string = "DiskError";
  readonly kind: DiskErrorKind;
  readonly path: string;

  constructor(kind: DiskErrorKind, path: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.path = path;
  }
}

/** Names in a folder, sorted; none when it does not exist. */
export async function listIfPresent(disk: Disk, folder: string): Promise<readonly string[]> {
  try {
    return await disk.list(folder);
  } catch (error) {
    if (error instanceof DiskError && error.kind === "not-found") return [];
    throw error;
  }
}

/** The whole file, or undefined when it does not exist. */
export async function readWhole(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  let file: DiskFile;
  try {
    file = await disk.open(path, "read");
  } catch (error) {
    if (error instanceof DiskError && error.kind === "not-found") return undefined;
    throw error;
  }
  try {
    return await file.read(0, await file.size());
  } finally {
    await file.close();
  }
}

/**
 * Replaces a small file so that a crash leaves the old one or the new one, whole:
 * 1. write and sync a neighbour; 2. rename it over the old; 3. sync the folder.
 */
export async function replaceWhole(
  disk: Disk,
  folder: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const path = folder === "" ? name : `${folder}/${name}`;
  const temporary = `${path}.new`;
  try {
    await disk.remove(temporary);
  } catch (error) {
    if (!(error instanceof DiskError && error.kind === "not-found")) throw error;
  }
  const file = await disk.open(temporary, "create");
  try {
    await file.write(0, [bytes]);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncDirectory(folder);
}
