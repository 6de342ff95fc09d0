/** Disk and key-value store as a process has them, with a witness of every call that changes something. */

import type { Disk, DiskFile, KeyValue } from "@holdfast/ports";

/** `during`: the call has begun and nobody was answered. `after`: it has ended, and its caller does not know yet. */
export type Moment = "during" | "after";
export type Observe = (operation: string, moment: Moment) => void;

export function observedDisk(disk: Disk, observe: Observe): Disk {
  return {
    memory: disk.memory,
    open: async (path, mode, options) => {
      const opening = disk.open(path, mode, options);
      const file = await (mode === "create" ? witnessed(`create ${path}`, opening, observe) : opening);
      return observedFile(file, observe);
    },
    list: (folder) => disk.list(folder),
    makeFolder: (folder) => witnessed(`make folder ${folder}`, disk.makeFolder(folder), observe),
    rename: (from, to) => witnessed(`rename ${from} to ${to}`, disk.rename(from, to), observe),
    remove: (path) => witnessed(`remove ${path}`, disk.remove(path), observe),
    syncDirectory: (folder) => witnessed(`sync folder ${folder}`, disk.syncDirectory(folder), observe),
    space: () => disk.space(),
    lock: () => disk.lock(),
  };
}

function observedFile(file: DiskFile, observe: Observe): DiskFile {
  const { path } = file;
  return {
    path,
    read: (offset, length) => file.read(offset, length),
    readInto: (offset, target, pastCache) => file.readInto(offset, target, pastCache),
    write: (offset, buffers) => witnessed(`write ${path} at ${offset}`, file.write(offset, buffers), observe),
    sync: () => witnessed(`sync ${path}`, file.sync(), observe),
    size: () => file.size(),
    truncate: (bytes) => witnessed(`truncate ${path} to ${bytes}`, file.truncate(bytes), observe),
    close: () => file.close(),
  };
}

export function observedStore(store: KeyValue, name: string, observe: Observe): KeyValue {
  return {
    get: (key) => store.get(key),
    peek: (key) => store.peek(key),
    range: (range) => store.range(range),
    openSnapshot: () => store.openSnapshot(),
    write: (batch) => witnessed(`write ${name}`, store.write(batch), observe),
    flush: () => witnessed(`flush ${name}`, store.flush(), observe),
    close: () => store.close(),
  };
}

async function witnessed<T>(operation: string, call: Promise<T>, observe: Observe): Promise<T> {
  observe(operation, "during");
  const result = await call;
  observe(operation, "after");
  return result;
}
