/**
 * One download per target path. On Linux the lock is a listening socket with an abstract name, which the kernel takes away with
 * the process, however it ends. Elsewhere it is a file that names the process; one whose process is gone is stale and replaced (two
 * runs that find it so in the same instant could both take it: Linux has no such gap).
 */

import { createHash } from "node:crypto";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { basename, dirname } from "node:path";

/** Undefined while somebody else holds it; otherwise what releases it. */
export async function lockPath(path: string): Promise<(() => Promise<void>) | undefined> {
  if (process.platform !== "linux") return lockFile(`${path}.lock`);
  const { dev, ino } = await stat(dirname(path), { bigint: true });
  const name = createHash("sha256").update(basename(path)).digest("hex").slice(0, 32);
  return lockAbstract(`\0holdfast-path-${dev}-${ino}-${name}`);
}

function lockAbstract(name: string): Promise<(() => Promise<void>) | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<(() => Promise<void>) | undefined>();
  const server = createServer((connection) => connection.destroy());
  server.once("error", (error) => {
    if ("code" in error && error.code === "EADDRINUSE") resolve(undefined);
    else reject(error);
  });
  server.listen(name, () => resolve(() => new Promise((done) => void server.close(() => done()))));
  // The lock alone does not keep a process running.
  server.unref();
  return promise;
}

/** For systems without abstract names; exported for tests. */
export async function lockFile(path: string): Promise<(() => Promise<void>) | undefined> {
  const release = (): Promise<void> => rm(path, { force: true });
  for (let tries = 0; tries < 2; tries++) {
    try {
      await writeFile(path, String(process.pid), { flag: "wx" });
      return release;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    if (isRunning(Number(await readFile(path, "utf8").catch(() => "")))) return undefined;
    await release();
  }
  return undefined;
}

function isRunning(processId: number): boolean {
  if (!Number.isSafeInteger(processId) || processId < 1) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
