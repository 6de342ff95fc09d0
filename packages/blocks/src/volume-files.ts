/**
 * Read handles of volumes: a bounded number stays open. A volume may be unlinked while it is read; its handle goes
 * when the last read is done.
 */

import type { Disk, DiskFile } from "@holdfast/ports";
import { volumeName } from "./volume-header.ts";

interface Handle {
  readonly file: Promise<DiskFile>;
  readers: number;
  /** Not to be kept when the last reader is done. */
  isLeaving: boolean;
}

export class VolumeFiles {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #openMax: number;
  /** In the order of their last use. */
  readonly #handles = new Map<number, Handle>();

  constructor(disk: Disk, folder: string, openMax: number) {
    this.#disk = disk;
    this.#folder = folder;
    this.#openMax = openMax;
  }

  path(number: number): string {
    return `${this.#folder}/${volumeName(number)}`;
  }

  async use<T>(number: number, action: (file: DiskFile) => Promise<T>): Promise<T> {
    const handle = this.#take(number);
    handle.readers++;
    try {
      return await action(await handle.file);
    } catch (error) {
      // A handle that could not be opened, or gave an error, is no use to the next one.
      this.#drop(number, handle);
      throw error;
    } finally {
      handle.readers--;
      if (handle.isLeaving && handle.readers === 0) await closeQuietly(handle);
    }
  }

  forget(number: number): void {
    const handle = this.#handles.get(number);
    if (handle !== undefined) this.#drop(number, handle);
  }

  async close(): Promise<void> {
    const idle = [...this.#handles.values()].filter((handle) => handle.readers === 0);
    for (const [number, handle] of this.#handles) {
      handle.isLeaving = true;
      this.#handles.delete(number);
    }
    for (const handle of idle) await closeQuietly(handle);
  }

  #take(number: number): Handle {
    const kept = this.#handles.get(number);
    const handle = kept ?? { file: this.#open(number), readers: 0, isLeaving: false };
    this.#handles.delete(number);
    this.#handles.set(number, handle);
    if (kept === undefined && this.#handles.size > this.#openMax) this.#dropOldest(handle);
    return handle;
  }

  #open(number: number): Promise<DiskFile> {
    return this.#disk.open(this.path(number), "read", { pastCache: true });
  }

  #dropOldest(except: Handle): void {
    for (const [number, handle] of this.#handles) {
      if (handle === except) continue;
      return this.#drop(number, handle);
    }
  }

  #drop(number: number, handle: Handle): void {
    if (this.#handles.get(number) === handle) this.#handles.delete(number);
    if (handle.isLeaving) return;
    handle.isLeaving = true;
    if (handle.readers === 0) void closeQuietly(handle);
  }
}

/** A handle that was only read from has nothing to lose when closing fails. */
async function closeQuietly(handle: Handle): Promise<void> {
  try {
    await (await handle.file).close();
  } catch {
    // Opening failed, which its reader was told, or closing did: either way there is no handle left to use.
  }
}
