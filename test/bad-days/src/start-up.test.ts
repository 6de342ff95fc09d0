/** Starts that have to be refused: with the reason and the next step, and with the directory left as it was. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ByteWriter, StoreError, seededRandom } from "@holdfast/base";
import { nodeHashing, openKeyValue, realClock } from "@holdfast/host";
import { RealStore, temporaryFolder } from "./store/real-store.ts";
import { ask } from "./store/s3-request.ts";
import { ServerChild } from "./store/server-child.ts";

/** Everything in the directory by name; but LMDB's `lock.mdb`, which says who has it open and nothing of what is stored. */
async function digestsOf(data: string): Promise<Readonly<Record<string, string>>> {
  const digests: Record<string, string> = {};
  for (const entry of await readdir(data, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === "lock.mdb") continue;
    const path = join(entry.parentPath, entry.name);
    digests[path] = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  }
  return digests;
}

/** A directory with small and large files in it, of a node that stopped as it should. */
async function filledDirectory(t: Parameters<typeof temporaryFolder>[0]): Promise<string> {
  const data = join(await temporaryFolder(t), "data");
  const store = await RealStore.start({ data });
  await ask(store.s3Port, { method: "PUT", path: "/bucket" });
  await ask(store.s3Port, { method: "PUT", path: "/bucket/small", body: "small" });
  await ask(store.s3Port, { method: "PUT", path: "/bucket/large", body: seededRandom(1).bytes(300_000) });
  await store.stop();
  return data;
}

async function refusedUnchanged(data: string, said: RegExp): Promise<void> {
  const before = await digestsOf(data);
  await assert.rejects(RealStore.start({ data }), (error: unknown) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.match(error.message, said);
    assert.equal(error.retryable, false);
    return true;
  });
  assert.deepEqual(await digestsOf(data), before);
}

/** Raises the version in the header of a file, and makes its checksum right again, in every copy. */
async function raiseVersion(
  path: string,
  copies: readonly number[],
  at: number,
  checksumAt: number,
): Promise<void> {
  const file = await open(path, "r+");
  for (const copy of copies) {
    const header = new Uint8Array(checksumAt);
    await file.read(header, 0, checksumAt, copy);
    new DataView(header.buffer).setUint32(at, 99);
    const checksum = new ByteWriter(4);
    checksum.u32(nodeHashing.crc32(header));
    await file.write(header, 0, checksumAt, copy);
    await file.write(checksum.finish(), 0, 4, copy + checksumAt);
  }
  await file.close();
}

async function firstOf(folder: string, ending: string): Promise<string> {
  const name = (await readdir(folder)).sort().find((one) => one.endsWith(ending));
  return join(folder, name ?? assert.fail(`no ${ending} in ${folder}`));
}

describe("a data directory that a newer Holdfast wrote is refused and left as it is", () => {
  test("by its identity", async (t) => {
    const data = await filledDirectory(t);
    const path = join(data, "identity.json");
    await writeFile(path, (await readFile(path, "utf8")).replace('"format": 2', '"format": 99'));
    await refusedUnchanged(data, /identity\.json.* format 99.*newer Holdfast.*start that one/);
  });

  test("by a segment of the log", async (t) => {
    const data = await filledDirectory(t);
    await raiseVersion(await firstOf(join(data, "log"), ".wal"), [0, 4096], 8, 508);
    await refusedUnchanged(data, /log\/\d+\.wal.* version 99.*newer Holdfast.*start that one/);
  });

  test("by a volume", async (t) => {
    const data = await filledDirectory(t);
    const sectors = Array.from({ length: 8 }, (_, i) => i * 512);
    await raiseVersion(await firstOf(join(data, "blocks"), ".vol"), sectors, 8, 508);
    await refusedUnchanged(data, /blocks\/\d+\.vol.* version 99.*newer Holdfast.*start that one/);
  });

  test("by the block store's identity", async (t) => {
    const data = await filledDirectory(t);
    const path = join(data, "blocks", "identity");
    await raiseVersion(path, [0], 8, (await readFile(path)).length - 4);
    await refusedUnchanged(data, /blocks\/identity.* version 99.*newer Holdfast.*start that one/);
  });

  /** Raises the first byte of a value in a key-value store; the checksum over key and value stands where `seal` puts it. */
  async function raiseStored(
    folder: string,
    key: Uint8Array,
    raise: (key: Uint8Array, value: Uint8Array) => Uint8Array,
  ): Promise<void> {
    const store = openKeyValue(folder);
    const value = store.get(key) ?? assert.fail("nothing stored");
    await store.write([{ key, value: raise(key, value) }]);
    await store.flush();
    await store.close();
  }
  const crcOf = (key: Uint8Array, value: Uint8Array): Uint8Array => {
    const checksum = new ByteWriter(4);
    checksum.u32(nodeHashing.crc32(value, nodeHashing.crc32(key)));
    return checksum.finish();
  };

  test("by the state of a group", async (t) => {
    const data = await filledDirectory(t);
    await raiseStored(join(data, "state"), Uint8Array.of(2, 0, 0, 0, 1), (key, sealed) => {
      const value = sealed.slice(4);
      value[0] = 99;
      return Buffer.concat([crcOf(key, value), value]);
    });
    await refusedUnchanged(data, /state: .* version 99.*newer Holdfast.*start that one/);
  });

  test("by the block index", async (t) => {
    const data = await filledDirectory(t);
    await raiseStored(join(data, "block-index"), Uint8Array.of(4), (key, sealed) => {
      const value = sealed.slice(0, -4);
      value[0] = 99;
      return Buffer.concat([value, crcOf(key, value)]);
    });
    await refusedUnchanged(data, /block-index: .* version 99.*newer Holdfast.*start that one/);
  });
});

describe("a data directory with pieces missing is refused", () => {
  for (const folder of ["log", "blocks"]) {
    test(`${folder}: the message names it, nothing is changed, and with the folder back all is there`, async (t) => {
      const data = await filledDirectory(t);
      await rename(join(data, folder), join(data, "..", "away"));
      await refusedUnchanged(data, new RegExp(`lacks .*"${folder}".*[Rr]estore`));
      await mkdir(join(data, folder));
      await refusedUnchanged(data, new RegExp(`lacks .*"${folder}"`));
      await rm(join(data, folder), { recursive: true });
      await rename(join(data, "..", "away"), join(data, folder));
      const store = await RealStore.start({ data });
      t.after(() => store.stop());
      assert.equal((await ask(store.s3Port, { path: "/bucket/small" })).text, "small");
      assert.equal((await ask(store.s3Port, { path: "/bucket/large" })).text.length, 300_000);
    });
  }

  test("identity.json: it is not taken for an empty directory", async (t) => {
    const data = await filledDirectory(t);
    await rm(join(data, "identity.json"));
    await refusedUnchanged(data, /no identity\.json.*Restore/);
  });

  test("the block index is a cache: it is made again from the volumes", async (t) => {
    const data = await filledDirectory(t);
    await rm(join(data, "block-index"), { recursive: true });
    const store = await RealStore.start({ data });
    t.after(() => store.stop());
    assert.equal((await ask(store.s3Port, { path: "/bucket/large" })).text.length, 300_000);
  });
});

test("a clock before 2020 is refused at the start, and nothing is made", async (t) => {
  const data = await temporaryFolder(t);
  const clock = { ...realClock, wallMs: () => 0 };
  await assert.rejects(RealStore.start({ data, clock }), /clock is before 2020.*Set it/);
  assert.deepEqual(await readdir(data), []);
});

test("a data directory that is a file, below a file, or not writable is refused with the next step", async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, "file");
  await writeFile(file, "mine");
  for (const data of [file, join(file, "below")]) {
    const { code, said } = await ServerChild.refused({ data });
    assert.equal(code, 1, said);
    assert.match(said, /cannot be used: .*is a file/);
    assert.match(said, /name another directory/);
  }
  assert.equal(await readFile(file, "utf8"), "mine");
  // Root may write everywhere but where nobody may.
  const locked = process.getuid?.() === 0 ? "/sys/holdfast" : join(folder, "locked");
  if (locked.startsWith(folder)) {
    await mkdir(locked);
    await chmod(locked, 0o500);
  }
  const { code, said } = await ServerChild.refused({ data: locked });
  assert.equal(code, 1, said);
  assert.match(said, /cannot be used: .*may not write|read-only/);
});

test("a second process on one directory is told who holds it, and starts at once when that one was killed", async (t) => {
  const data = await temporaryFolder(t);
  const first = await ServerChild.start({ data });
  t.after(() => first.child.kill("SIGKILL"));
  await ask(first.s3Port, { method: "PUT", path: "/bucket" });
  const { code, said } = await ServerChild.refused({ data });
  assert.equal(code, 1);
  assert.match(said, new RegExp(`in use by process ${first.pid}`));
  assert.match(said, /stop it first/);
  assert.equal((await ask(first.s3Port, { method: "HEAD", path: "/bucket" })).status, 200);
  await first.end("SIGKILL");
  const second = await ServerChild.start({ data });
  t.after(() => second.child.kill("SIGKILL"));
  assert.equal((await ask(second.s3Port, { method: "HEAD", path: "/bucket" })).status, 200);
  await second.end("SIGTERM");
});
