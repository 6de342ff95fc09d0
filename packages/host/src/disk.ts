/** The Disk port over node:fs. Everything below one root directory; nothing outside of it can be named. */

import { constants, open as openDescriptor } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { lstat, mkdir, open, readdir, rename, statfs, unlink } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type {
  DirectoryLock,
  Disk,
  DiskFile,
  DiskSpace,
  OpenMode,
  OpenOptions,
  PageMemory,
} from "@holdfast/ports";
import { DiskError, folderOf, isDiskPath } from "@holdfast/ports";
import { lockDirectory } from "./directory-lock.ts";
import { diskError } from "./disk-errors.ts";
import { RealDiskFile } from "./disk-file.ts";
import { realPageMemory } from "./page-memory.ts";

/** Makes the directory if it is missing. */
export async function openDisk(rootDirectory: string): Promise<Disk> {
  const root = resolve(rootDirectory);
  await mkdir(root, { recursive: true }).catch((error: unknown) => {
    throw diskError(error, root);
  });
  return new RealDisk(root);
}

/** Missing on some systems, though the types say otherwise. */
const syncFlag: number | undefined = constants.O_DSYNC;
const directFlag: number | undefined = constants.O_DIRECT;

const flagsOf: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
};

const descriptorWaitMs = 10_000;
const descriptorRetryMs = 20;

/**
 * A name that could not be made durable stops the log for good (S11); that there is just no descriptor to do it with is no
 * reason to: one comes back as soon as some file or connection is closed.
 */
async function openPatiently(folder: string): Promise<FileHandle> {
  for (const giveUpAtMs = performance.now() + descriptorWaitMs; ; await wait(descriptorRetryMs)) {
    try {
      return await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      if (diskError(error, folder).kind !== "too-many-files" || performance.now() > giveUpAtMs) throw error;
    }
  }
}

function openFile(fullPath: string, flags: number): Promise<number> {
  return new Promise((resolveOpen, reject) => {
    openDescriptor(fullPath, flags, 0o600, (error, opened) =>
      error === null ? resolveOpen(opened) : reject(error),
    );
  });
}

/** Undefined where the system or the file system has no such thing, or no descriptor is left: the cache does as well. */
async function openDirect(fullPath: string, flags: number): Promise<number | undefined> {
  if (directFlag === undefined) return undefined;
  return openFile(fullPath, flags | directFlag).catch(() => undefined);
}

function accessOf(mode: OpenMode): number {
  return mode === "read" ? constants.O_RDONLY : constants.O_RDWR;
}

class RealDisk implements Disk {
  readonly memory: PageMemory = realPageMemory;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  open(path: string, mode: OpenMode, options: OpenOptions = {}): Promise<DiskFile> {
    const { syncWrites = false, pastCache = false } = options;
    const syncs = syncWrites ? (syncFlag ?? 0) : 0;
    return this.#run(path, async (full) => {
      const descriptor = await openFile(full, flagsOf[mode] | syncs);
      const direct = pastCache ? await openDirect(full, accessOf(mode) | syncs) : undefined;
      const syncAfterWrite = syncWrites && syncFlag === undefined;
      return new RealDiskFile({ path, descriptor, direct, syncAfterWrite });
    });
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#runIn(folder, async (full) => (await readdir(full)).sort());
  }

  async makeFolder(folder: string): Promise<void> {
    await this.#runIn(folder, (full) => mkdir(full, { recursive: true }));
    // A folder is a name in the one above: 1. it exists; 2. its name is durable, up to the root.
    for (let path = folder; path !== ""; path = folderOf(path)) await this.syncDirectory(folderOf(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run(from, (fullFrom) => this.#run(to, (fullTo) => rename(fullFrom, fullTo)));
  }

  remove(path: string): Promise<void> {
    return this.#run(path, async (full) => {
      // POSIX lets unlink of a folder fail in several ways, Linux as EISDIR, others as EPERM.
      if ((await lstat(full)).isDirectory()) throw new DiskError("io", path, `${path} is a folder`);
      await unlink(full);
    });
  }

  syncDirectory(folder: string): Promise<void> {
    return this.#runIn(folder, async (full) => {
      const handle = await openPatiently(full);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  space(): Promise<DiskSpace> {
    return this.#runIn("", async (full) => {
      const { bavail, blocks, bsize } = await statfs(full);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    });
  }

  lock(): Promise<DirectoryLock> {
    return lockDirectory(this.#root);
  }

  async #run<T>(path: string, action: (fullPath: string) => Promise<T>): Promise<T> {
    if (!isDiskPath(path)) throw new DiskError("io", path, `not a path below the data directory: ${path}`);
    try {
      return await action(`${this.#root}/${path}`);
    } catch (error) {
      throw diskError(error, path);
    }
  }

  /** As `#run`, for folders: "" is the root itself. */
  async #runIn<T>(folder: string, action: (fullPath: string) => Promise<T>): Promise<T> {
    if (folder !== "") return this.#run(folder, action);
    try {
      return await action(this.#root);
    } catch (error) {
      throw diskError(error, folder);
    }
  }
}
