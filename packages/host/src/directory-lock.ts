/**
 * One process per data directory (SAFETY.md S11). The lock is a POSIX record lock on the empty file `lock` of the directory,
 * taken through SQLite, which Node brings along: Node itself has no call for it. The kernel takes it away with the process,
 * however it ends, and it holds between containers that share the directory and nothing else, and over network file
 * systems that have locks (docs/adr/0007). Nothing is ever written to the file, so a full disk is no obstacle.
 */

import { DatabaseSync } from "node:sqlite";
import type { DirectoryLock } from "@holdfast/ports";
import { DiskError } from "@holdfast/ports";

/** SQLITE_BUSY. */
const busy = 5;

export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(`${directory}/lock`);
    // Held until the connection closes.
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    throw lockError(directory, error);
  }
  const held = database;
  return { release: async () => (held.isOpen ? held.close() : undefined) };
}

function lockError(directory: string, error: unknown): DiskError {
  if (error instanceof Error && "errcode" in error && error.errcode === busy) {
    const message = `${directory} is in use by another process: stop it, or choose another data directory`;
    return new DiskError("locked", directory, message, error);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new DiskError(
    "io",
    directory,
    `${directory} cannot be locked (${reason}): it has to be writable`,
    error,
  );
}
