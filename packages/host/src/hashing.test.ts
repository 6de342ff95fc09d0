import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import zlib from "node:zlib";
import { seededRandom } from "@holdfast/base";
import { beginDigest } from "./digest.ts";
import type { DigestListener } from "./digest-pool.ts";
import { DigestPool } from "./digest-pool.ts";
import { nodeHashing } from "./hashing.ts";
import { WorkerDigest } from "./worker-digest.ts";

/** A pool whose worker answers when told to. */
class ManualPool extends DigestPool {
  readonly taken: Uint8Array[] = [];
  listener: DigestListener | undefined;
  cancelled = false;

  override begin(_: string, listener: DigestListener): ReturnType<DigestPool["begin"]> {
    this.listener = listener;
    return {
      update: (data) => void this.taken.push(data),
      finish: () => undefined,
      cancel: () => {
        this.cancelled = true;
      },
    };
  }
}

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a small body never wakes a worker", async () => {
  const pool = new ManualPool();
  const digest = new WorkerDigest("md5", pool, beginDigest);
  const data = seededRandom(1).bytes(200_000);
  await digest.update(Buffer.from(data.subarray(0, 100_000)));
  await digest.update(data.subarray(100_000));
  assert.deepEqual(await digest.finish(), nodeHashing.hash("md5", data));
  assert.equal(pool.listener, undefined);
});

test("update waits while the worker is behind, and what waits is bounded", async () => {
  const pool = new ManualPool();
  const digest = new WorkerDigest("sha256", pool, beginDigest);
  const chunk = new Uint8Array(256 * 1024);
  let resolved = 0;
  for (let i = 0; i < 10; i++) void digest.update(chunk).then(() => resolved++);
  await drain();
  assert.ok(resolved >= 1 && resolved <= 3, `${resolved} updates resolved`);
  assert.equal(pool.taken.length, 2);
  pool.listener?.onUpdated(pool.taken[0] ?? chunk);
  await drain();
  assert.equal(pool.taken.length, 3);
});

test("when the worker dies, waiting updates and the finish fail, and so does all that follows", async () => {
  const pool = new ManualPool();
  const digest = new WorkerDigest("sha256", pool, beginDigest);
  const updates = Array.from({ length: 6 }, () => digest.update(new Uint8Array(256 * 1024)));
  const finished = digest.finish();
  await drain();
  pool.listener?.onFailed(new Error("worker died"));
  await assert.rejects(Promise.all(updates), /worker died/);
  await assert.rejects(finished, /worker died/);
  assert.ok(pool.cancelled);
});

test("shared memory is hashed as it is, and is the caller's again when the update resolves", async () => {
  const data = seededRandom(3).bytes(3_000_000);
  const shared = new Uint8Array(new SharedArrayBuffer(1_000_000));
  for (const algorithm of ["md5", "sha256", "crc64nvme", "crc32", "crc32c"] as const) {
    const digest = nodeHashing.bulkDigest(algorithm);
    for (let at = 0; at < data.length; at += shared.length) {
      shared.set(data.subarray(at, at + shared.length));
      await digest.update(shared);
      shared.fill(0);
    }
    assert.deepEqual(await digest.finish(), nodeHashing.hash(algorithm, data));
  }
});

test("several updates of shared memory may be under way: they are hashed in order, each free when it resolves", async () => {
  const data = seededRandom(4).bytes(4_000_000);
  const digest = nodeHashing.bulkDigest("md5");
  const updates: Promise<void>[] = [];
  for (let at = 0; at < data.length; at += 1_000_000) {
    const shared = new Uint8Array(new SharedArrayBuffer(1_000_000));
    shared.set(data.subarray(at, at + shared.length));
    updates.push(digest.update(shared).then(() => void shared.fill(0)));
  }
  await Promise.all(updates);
  assert.deepEqual(await digest.finish(), nodeHashing.hash("md5", data));
});

test("a process with idle workers ends, and one that waits for a digest gets it first", async () => {
  const program = `
    import { nodeHashing } from ${JSON.stringify(new URL("./hashing.ts", import.meta.url).href)};
    const digest = nodeHashing.bulkDigest("md5");
    for (let i = 0; i < 8; i++) await digest.update(new Uint8Array(1024 * 1024));
    console.log(Buffer.from(await digest.finish()).toString("hex"));
  `;
  const child = spawn(
    process.execPath,
    ["--conditions=holdfast-source", "--input-type=module", "-e", program],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0);
  assert.equal(
    output.trim(),
    Buffer.from(nodeHashing.hash("md5", new Uint8Array(8 * 1024 * 1024))).toString("hex"),
  );
});

test("a CRC-32 is the same, long or short, in one piece or in two", () => {
  const data = seededRandom(2).bytes(200);
  for (let length = 0; length <= data.length; length++) {
    const whole = data.subarray(0, length);
    assert.equal(nodeHashing.crc32(whole), zlib.crc32(whole));
    const half = length >>> 1;
    const first = nodeHashing.crc32(data.subarray(0, half));
    assert.equal(nodeHashing.crc32(data.subarray(half, length), first), zlib.crc32(whole));
  }
});
