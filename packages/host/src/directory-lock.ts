/**
 * One process per data directory (SAFETY.md S11). The lock is a listening Unix socket, which the kernel takes away with
 * the process, however it ends. On Linux its name is abstract and made of the directory's device and inode, so that
 * two paths to one directory meet, and nothing is left behind on the disk. Elsewhere it is a socket file in the
 * directory; one that nobody answers on is stale and replaced.
 *
 * Abstract names are per network namespace: two containers that share a directory but not the network do not see each
 * other.
 */

import { stat, unlink } from "node:fs/promises";
import type { Server } from "node:net";
import { connect, createServer } from "node:net";
import type { DirectoryLock } from "@holdfast/ports";
import { DiskError } from "@holdfast/ports";
import { diskError } from "./disk-errors.ts";

export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const server =
    process.platform === "linux" ? await lockAbstract(directory) : await lockSocketFile(`${directory}/lock`);
  // The lock alone does not keep a process running.
  server.unref();
  let released: Promise<void> | undefined;
  return {
    release: () => {
      released ??= new Promise((resolve) => void server.close(() => resolve()));
      return released;
    },
  };
}

async function lockAbstract(directory: string): Promise<Server> {
  const { dev, ino } = await stat(directory, { bigint: true }).catch((error: unknown) => {
    throw diskError(error, directory);
  });
  const server = await listen(`\0holdfast-${dev}-${ino}`);
  if (server === undefined) throw locked(directory);
  return server;
}

/** For systems without abstract names; exported for tests. */
export async function lockSocketFile(path: string): Promise<Server> {
  const first = await listen(path);
  if (first !== undefined) return first;
  if (await answers(path)) throw locked(path);
  // Its process is dead. (Two starts that find it so in the same instant could both take it: Linux has no such gap.)
  await unlink(path).catch((error: unknown) => {
    throw diskError(error, path);
  });
  const second = await listen(path);
  if (second === undefined) throw locked(path);
  return second;
}

/** Undefined when the name is taken. */
function listen(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once("error", (error) => {
      if ("code" in error && error.code === "EADDRINUSE") resolve(undefined);
      else reject(diskError(error, name));
    });
    server.listen(name, () => resolve(server));
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(path);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}

function locked(path: string): DiskError {
  return new DiskError(
    "locked",
    path,
    `${path} is in use by another process: stop it, or choose another data directory`,
  );
}
