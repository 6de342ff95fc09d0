/**
 * A disk that is really full: a small tmpfs, filled by the store up to its reserve, then by somebody else to the last byte.
 * Needs root, for the mount.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, open, readdir, rm, rmdir, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { MiB, seededRandom } from "@holdfast/base";
import { ask } from "../store/s3-request.ts";
import { ServerChild } from "../store/server-child.ts";
import { within } from "../store/within.ts";

const run = promisify(execFile);
const diskBytes = 640 * MiB;
const large = seededRandom(3).bytes(4 * MiB);
const deadlineMs = 60_000;
/** Two log segments. */
const ballastBytes = 64 * MiB;

export async function diskFull(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("this run mounts a file system: run it as root");
  const mount = await mkdtemp(join(tmpdir(), "holdfast-full-"));
  await run("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", mount]);
  let server = await ServerChild.start({ data: join(mount, "data") });
  try {
    await filledByTheStore(server);
    await filledByOthers(server, mount);
    await server.end("SIGKILL");
    await refusedWithoutBallast(mount);
    server = await ServerChild.start({ data: join(mount, "data") });
    for (let round = 1; round <= 3; round++) {
      await untilBallast(mount);
      await server.end("SIGKILL");
      await fill(mount);
      server = await ServerChild.start({ data: join(mount, "data") });
      await servesWhatIsThere(server);
      console.log(`start ${round} on a disk without a free byte: serves`);
      await removeFillers(mount);
    }
    await recovers(server, mount);
    await server.end("SIGTERM");
    assert.equal(server.child.exitCode, 0, server.output);
  } finally {
    server.child.kill("SIGKILL");
    await server.end("SIGKILL").catch(() => undefined);
    await run("umount", ["--lazy", mount]);
    await rmdir(mount);
  }
}

let storedCount = 0;

async function filledByTheStore(server: ServerChild): Promise<void> {
  const port = server.s3Port;
  assert.equal((await ask(port, { method: "PUT", path: "/bucket" })).status, 200);
  for (;;) {
    const path = `/bucket/large-${storedCount}`;
    const answer = await ask(port, { method: "PUT", path, body: large });
    if (answer.status !== 200) {
      assertRefused(answer);
      assert.equal((await ask(port, { method: "HEAD", path })).status, 404);
      break;
    }
    storedCount++;
  }
  console.log(`${storedCount} files of 4 MiB, then refused: 503, not-applied, and no part of a file`);
  await servesWhatIsThere(server);
  assert.equal((await ask(port, { method: "DELETE", path: `/bucket/large-${--storedCount}` })).status, 204);
  await servesWhatIsThere(server);
}

function assertRefused(answer: Awaited<ReturnType<typeof ask>>): void {
  assert.equal(answer.status, 503, answer.text);
  assert.equal(answer.code, "ServiceUnavailable");
  assert.equal(answer.headers["x-holdfast-outcome"], "not-applied");
}

async function servesWhatIsThere(server: ServerChild): Promise<void> {
  const port = server.s3Port;
  const expected = createHash("md5").update(large).digest("hex");
  const listed = await ask(port, { path: "/bucket", query: "list-type=2" });
  assert.equal([...listed.text.matchAll(/<Key>large-\d+<\/Key>/g)].length, storedCount, listed.text);
  for (const i of [0, storedCount - 1]) {
    assert.equal((await ask(port, { method: "HEAD", path: `/bucket/large-${i}` })).status, 200);
    const read = await ask(port, { path: `/bucket/large-${i}` });
    assert.equal(createHash("md5").update(Buffer.from(read.text, "latin1")).digest("hex"), expected);
  }
}

/** Somebody else takes every last byte, while deletes go on; whenever the store gives up some, it is taken too. */
async function filledByOthers(server: ServerChild, mount: string): Promise<void> {
  let refused = 0;
  for (let round = 0; round < 6; round++) {
    await fill(mount);
    const answer = await ask(server.s3Port, { method: "DELETE", path: `/bucket/none-${round}` });
    if (answer.status !== 204) {
      assertRefused(answer);
      refused++;
    }
    await servesWhatIsThere(server);
    // The ballast is looked after every 5 s.
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  assert.equal(server.child.exitCode, null, server.output);
  assert.ok(refused > 0, "deletes end before the reserve does");
  console.log(
    `filled by others to the last byte, six times: reads and listings are served, ${refused} deletes refused`,
  );
}

let fillerCount = 0;

async function fill(mount: string): Promise<void> {
  const file = await open(join(mount, `filler-${fillerCount++}`), "wx");
  for (const bytes of [MiB, 4096]) {
    const piece = new Uint8Array(bytes);
    for (;;) {
      try {
        if ((await file.write(piece)).bytesWritten < bytes) break;
      } catch (error) {
        assert.equal(error instanceof Error && "code" in error && error.code, "ENOSPC");
        break;
      }
    }
  }
  await file.close();
  const { bavail, bsize } = await statfs(mount);
  assert.ok(bavail * bsize < 64 * 1024, `${bavail * bsize} bytes are free`);
}

/** Somebody else took the ballast's room too: the start says what it needs, and works once it has that. */
async function refusedWithoutBallast(mount: string): Promise<void> {
  await fill(mount);
  await rm(join(mount, "data", "ballast"), { force: true });
  await fill(mount);
  const { code, said } = await ServerChild.refused({ data: join(mount, "data") });
  assert.equal(code, 1, said);
  assert.match(said, /OutOfSpace: .*free some space/);
  await removeFillers(mount);
  console.log("a start without a free byte and without ballast is refused, with what it needs");
}

async function removeFillers(mount: string): Promise<void> {
  for (const name of await readdir(mount)) if (name.startsWith("filler")) await rm(join(mount, name));
}

/** Whole again. */
async function untilBallast(mount: string): Promise<void> {
  const path = join(mount, "data", "ballast");
  const whole = async (): Promise<void> => {
    while ((await stat(path).catch(() => undefined))?.size !== ballastBytes)
      await new Promise((resolve) => setTimeout(resolve, 500));
  };
  await within(whole(), deadlineMs, "the ballast");
}

/** Room comes back, and writes with it, without a restart; the ballast is there again in the end. */
async function recovers(server: ServerChild, mount: string): Promise<void> {
  await run("mount", ["-o", `remount,size=${2 * diskBytes}`, mount]);
  const path = `/bucket/large-${storedCount}`;
  const stored = async (): Promise<void> => {
    while ((await ask(server.s3Port, { method: "PUT", path, body: large })).status !== 200)
      await new Promise((resolve) => setTimeout(resolve, 500));
  };
  await within(stored(), deadlineMs, "writes to come back");
  storedCount++;
  await servesWhatIsThere(server);
  await untilBallast(mount);
  console.log("room again: writes are taken, without a restart, and the ballast is back");
}
