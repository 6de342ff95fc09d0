import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { DiskError } from "@holdfast/ports";
import { diskContract } from "@holdfast/ports/contract";
import { openDisk } from "./disk.ts";
import { diskError } from "./disk-errors.ts";
import { unwritten } from "./disk-file.ts";

async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-disk-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const isLocked = (error: unknown): boolean => error instanceof DiskError && error.kind === "locked";

diskContract("real disk", async (context) => openDisk(join(await temporaryFolder(context), "data")));

test("errors of the system become the kinds of the port", () => {
  const kindOf = (code: string): string => diskError(Object.assign(new Error(code), { code }), "a").kind;
  assert.deepEqual(
    ["ENOENT", "EEXIST", "ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "EIO", "EACCES"].map(kindOf),
    ["not-found", "exists", "no-space", "no-space", "too-many-files", "too-many-files", "io", "io"],
  );
});

test("after a short write exactly the bytes behind it are left, whichever buffer it ended in", () => {
  const buffers = [3, 1, 4, 1, 5].map((length, i) => new Uint8Array(length).fill(i));
  const whole = Buffer.concat(buffers);
  for (let written = 0; written <= whole.length; written++) {
    assert.equal(Buffer.compare(Buffer.concat(unwritten(buffers, written)), whole.subarray(written)), 0);
    assert.ok(unwritten(buffers, written).every((buffer) => buffer.length > 0));
  }
});

test("two paths to one directory share its lock", async (t) => {
  const folder = await temporaryFolder(t);
  await openDisk(join(folder, "data"));
  await symlink(join(folder, "data"), join(folder, "alias"));
  const lock = await (await openDisk(join(folder, "data"))).lock();
  await assert.rejects((await openDisk(join(folder, "alias"))).lock(), isLocked);
  await lock.release();
});

test("the lock ends with its process, however that ends", async (t) => {
  const folder = await temporaryFolder(t);
  const program = `
    import { openDisk } from ${JSON.stringify(new URL("./disk.ts", import.meta.url).href)};
    await (await openDisk(${JSON.stringify(folder)})).lock();
    console.log("locked");
    setInterval(() => undefined, 1000);
  `;
  const child = spawn(
    process.execPath,
    ["--conditions=holdfast-source", "--input-type=module", "-e", program],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  t.after(() => child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const disk = await openDisk(folder);
  await assert.rejects(disk.lock(), isLocked);
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await ended;
  await (await disk.lock()).release();
});

test("without a descriptor left, making a name durable waits for one instead of failing", async (t) => {
  const folder = await temporaryFolder(t);
  const program = `
    import { openSync, closeSync } from "node:fs";
    import { openDisk } from ${JSON.stringify(new URL("./disk.ts", import.meta.url).href)};
    const disk = await openDisk(${JSON.stringify(folder)});
    const held = [];
    for (;;) try { held.push(openSync("/dev/null")); } catch { break; }
    const synced = disk.syncDirectory("").then(() => console.log("synced"));
    await new Promise((resolve) => setImmediate(resolve));
    console.log("waits");
    closeSync(held.pop());
    await synced;
  `;
  const args = ["--conditions=holdfast-source", "--input-type=module", "-e", program];
  const child = spawn("sh", ["-c", 'ulimit -n 64; exec "$@"', "sh", process.execPath, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  await new Promise((resolve) => child.once("close", resolve));
  assert.equal(said, "waits\nsynced\n");
});
